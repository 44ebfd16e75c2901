# One image for every role. Redis is elsewhere: REDIS_URL or REDIS_CLUSTER_NODES, and SECRET_KEY, are given at start. It writes to /data
# and /tmp alone, so the root may be read-only (docker run --read-only --tmpfs /tmp).
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/start.mjs --build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/data PORT=8000
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The command line, in a running container too: docker exec NAME chat lag. Folding whole logs is short-lived work: a larger nursery spares its collector.
RUN printf '#!/bin/sh\nexec node --max-semi-space-size=64 --enable-source-maps /app/dist/scripts/chat.js "$@"\n' > /usr/local/bin/chat && chmod 755 /usr/local/bin/chat
USER node
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/v1/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The engine's memory reducer collects everything in quiet times and throws compiled code away with it, which costs a quiet node a
# twentieth of its CPU (docs/performance.md).
CMD ["node", "--enable-source-maps", "--no-memory-reducer", "dist/src/main.js"]
