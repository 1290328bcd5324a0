#!/usr/bin/env python3
# A switch in user space, for delay that the kernel cannot make: one TAP device for each network namespace, and one for whoever
# started it, whose packets are spared. Reads one JSON object a line, {"cuts": [[from, to]], "loss": {"host": n, "percent": p},
# "delay": {"host": n, "ms": m}}, hosts counted from 1; each replaces the weather before it and is answered with "ok". Its end of
# input is its end. Node cannot open a TAP device, as it has no ioctl.
#
#   switch.py HOSTS PREFIX NETWORK        namespaces PREFIX1.. at NETWORK.1.., itself at NETWORK.254

import fcntl, heapq, json, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
MAX_FRAME, FRAMES_PER_TURN, OWN = 65536, 64, 254
count, prefix, network = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def ip(*words, script=None):
    subprocess.run(['ip', *words], input=script, text=True, check=True)


def tap(name):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH', name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def configure(device, host, *where):
    lines = ['link set lo up', f'link set {device} address 02:00:00:00:00:{host:02x}', f'addr add {network}.{host}/24 dev {device}']
    ip(*where, '-batch', '-', script='\n'.join([*lines, f'link set {device} up', '']))


devices = {}
for host in range(1, count + 1):
    name = f'{prefix}tap{host}'
    devices[tap(name)] = host
    ip('netns', 'add', f'{prefix}{host}')
    ip('link', 'set', name, 'netns', f'{prefix}{host}', 'name', 'eth0')
    configure('eth0', host, '-n', f'{prefix}{host}')
devices[tap(f'{prefix}own')] = OWN
configure(f'{prefix}own', OWN)
fd_of = {host: fd for fd, host in devices.items()}

cuts, loss, delay = set(), {}, {}
late, number = [], 0


def deliver(host, frame):
    try:
        os.write(fd_of[host], frame)
    except OSError:
        pass  # The receiver's queue is full: lost, as on a real network.


def send(source, target, frame):
    global number
    if OWN in (source, target):
        return deliver(target, frame)
    if (source, target) in cuts:
        return
    if any(random.random() * 100 < loss.get(host, 0) for host in (source, target)):
        return
    wait = delay.get(source, 0) + delay.get(target, 0)
    if wait == 0:
        return deliver(target, frame)
    number += 1
    heapq.heappush(late, (time.monotonic() + wait / 1000, number, target, frame))


def obey(line):
    global cuts, loss, delay
    weather = json.loads(line)
    cuts = {tuple(way) for way in weather['cuts']}
    loss = {weather['loss']['host']: weather['loss']['percent']} if weather.get('loss') else {}
    delay = {weather['delay']['host']: weather['delay']['ms']} if weather.get('delay') else {}
    print('ok', flush=True)


poll = select.epoll()
for fd in [*devices, sys.stdin.fileno()]:
    poll.register(fd, select.EPOLLIN)
print('ready', flush=True)
while True:
    for fd, _ in poll.poll(max(0, late[0][0] - time.monotonic()) if late else -1):
        if fd == sys.stdin.fileno():
            line = sys.stdin.readline()
            if not line:
                sys.exit()
            obey(line)
            continue
        for _ in range(FRAMES_PER_TURN):
            try:
                frame = os.read(fd, MAX_FRAME)
            except OSError:
                break
            target = frame[5] if frame[:5] == b'\x02\0\0\0\0' else None
            everyone = [host for host in fd_of if host != devices[fd]] if frame[0] & 1 else []
            for host in [target] if target in fd_of else everyone:
                send(devices[fd], host, frame)
    while late and late[0][0] <= time.monotonic():
        _, _, target, frame = heapq.heappop(late)
        deliver(target, frame)
