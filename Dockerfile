# docker build -t goldpan . && docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" goldpan run my.yaml --out out/mine
FROM node:22-slim AS build
WORKDIR /goldpan
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-slim
COPY --from=build /goldpan /goldpan
WORKDIR /work
ENTRYPOINT ["node", "/goldpan/dist/pipeline/cli.js"]
CMD ["--help"]
