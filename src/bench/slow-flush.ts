// A slow disk for any process, whatever it is written in: every fsync and fdatasync waits a while before it is done for
// real. A small program installs a seccomp filter that tells its supervisor of these two calls, and becomes the
// process; the supervisor lets each of them go on after the delay, however many wait at once. It needs a C compiler and
// Linux; without them it says so.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SlowFlush extends Disposable {
  /** What stands before the command line of a process. */
  readonly prefix: readonly string[]
}

/** Every flush takes `ms` longer. A text: why that is not possible here. */
export function slowFlush(ms: number): SlowFlush | string {
  if (process.platform !== 'linux') return 'a slow disk is injected on Linux only'
  const dir = mkdtempSync(join(tmpdir(), 'trellis-slow-'))
  const [source, program] = [join(dir, 'slow-flush.c'), join(dir, 'slow-flush')]
  writeFileSync(source, cProgram)
  const made = spawnSync('cc', ['-O1', '-pthread', '-o', program, source], { encoding: 'utf8' })
  const prefix = [program, String(Math.round(ms * 1_000))]
  const works = made.status === 0 && spawnSync(program, ['1', 'true']).status === 0
  if (works) return { prefix, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
  rmSync(dir, { recursive: true, force: true })
  const why = made.error
    ? 'there is no C compiler (cc)'
    : made.status === 0
      ? 'the kernel allows no seccomp filter'
      : made.stderr
  return `a slow disk cannot be injected: ${why.split('\n', 1)[0]}`
}

const cProgram = `
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int listener;
static struct timespec delay;

static void *answer(void *argument) {
  struct seccomp_notif_resp response = {.id = *(__u64 *)argument, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  free(argument);
  nanosleep(&delay, NULL);
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  return NULL;
}

static void supervise(void) {
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (;;) {
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    if (poll(&ready, 1, -1) < 0 && errno == EINTR) continue;
    if (ready.revents & (POLLHUP | POLLERR)) _exit(0);
    struct seccomp_notif request;
    memset(&request, 0, sizeof request);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) continue;
    __u64 *id = malloc(sizeof *id);
    *id = request.id;
    pthread_t thread;
    if (pthread_create(&thread, &detached, answer, id)) answer(id);
  }
}

static void give(int socket, int fd) {
  char byte = 0, room[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket, &message, 0) < 0) exit(3);
}

static int taken(int socket) {
  char byte, room[CMSG_SPACE(sizeof(int))];
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  int fd = -1;
  if (recvmsg(socket, &message, 0) <= 0 || !CMSG_FIRSTHDR(&message)) _exit(0);
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

int main(int count, char **words) {
  if (count < 3) return 2;
  long us = atol(words[1]);
  delay = (struct timespec){us / 1000000, us % 1000000 * 1000};
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)) return 3;
  if (fork() == 0) {
    close(sockets[1]);
    for (int other = 0; other < 256; other++) if (other != sockets[0]) close(other);
    listener = taken(sockets[0]);
    close(sockets[0]);
    supervise();
  }
  close(sockets[0]);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fsync, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fdatasync, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof code / sizeof *code, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (fd < 0) { perror("seccomp"); return 3; }
  give(sockets[1], fd);
  close(fd);
  close(sockets[1]);
  execvp(words[2], words + 2);
  perror(words[2]);
  return 127;
}
`
