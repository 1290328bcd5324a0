# A member of a cluster: slim, not root, stopped by SIGTERM. Settings are the TRELLIS_* variables of docs/options.md; the key, the
# log and the peers are in /data. Behind a healthy check the node is a member that knows its leader.

FROM node:24-bookworm-slim AS build
WORKDIR /trellis
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
# One heap of the C library for all threads, which keeps its size: as `trellis up` starts its nodes.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 \
    GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=524288:glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0
WORKDIR /trellis
COPY --from=build /trellis/package.json ./
COPY --from=build /trellis/node_modules ./node_modules
COPY --from=build /trellis/dist ./dist
COPY deploy/compose/entrypoint.sh /usr/local/bin/trellis-member
RUN chmod +x dist/bundle/src/cli/bin.js && ln -s /trellis/dist/bundle/src/cli/bin.js /usr/local/bin/trellis \
 && mkdir /data && chown node:node /data
USER node
VOLUME /data
ENV TRELLIS_DATA_DIR=/data TRELLIS_LISTEN=0.0.0.0:7400 TRELLIS_ADMIN=0.0.0.0:7501
EXPOSE 7400 7501
HEALTHCHECK --interval=2s --timeout=3s --start-period=60s --retries=5 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7501/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["trellis-member"]
CMD ["trellis", "node"]
