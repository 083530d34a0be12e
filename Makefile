# goldpan: install, build, run, test, measure. `make run CONFIG=my.yaml OUT=dir` runs any config.
CONFIG ?= configs/quickstart.yaml
OUT ?= out/$(basename $(notdir $(CONFIG)))
GOLDPAN = node dist/pipeline/cli.js

.PHONY: run build test bench crash fuzz clean

run: build
	$(GOLDPAN) run $(CONFIG) --out $(OUT)

# Loads builds with the Python clients of test/clients/requirements.txt and trains two steps on each; says so where they are not installed.
PYTHON ?= python3
.PHONY: clients
clients: build
	node test/clients/builds.mjs out/clients
	$(PYTHON) -W ignore test/clients/check.py 'out/clients/*'

build: dist/.built

# Install only when the lock file has changed, compile only when a source has.
node_modules/.installed: package.json package-lock.json .npmrc
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

dist/.built: node_modules/.installed $(shell find pipeline stages -name '*.ts' -o -name '*.mjs' -o -name '*.css' -o -name '*.html') tsconfig.json tsconfig.build.json tsconfig.page.json
	npm run --silent build
	@touch $@

test: build
	npm run --silent check
	npx vitest run

# The whole of the real data first; `make test` reads the beginning of every file.
bench: build
	WHOLE=1 npx vitest run test/shared-data.test.ts test/people-replay.test.ts
	node test/bench/all.mjs

# Kills builds in every way known, 200 times at random and at every fault point; `make test` has a short form.
crash: build
	node test/crash/all.mjs

# Feeds every reader with 100,000 broken files; `make test` has a short form.
fuzz: build
	node test/fuzz/all.mjs

clean:
	rm -rf dist out .goldpan
