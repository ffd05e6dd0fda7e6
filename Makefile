# The two commands a newcomer needs are `make run` and `make test`; both do their own set-up.
# The recipes live in scripts/, one short file each.

.DEFAULT_GOAL := help
.PHONY: help run cluster test check rows shots bench figures dist

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: ## build client and server, start on http://127.0.0.1:8080 (more flags: CHAOKE_FLAGS="…")
	@scripts/run

cluster: ## two servers that are one, with NATS and Apache Cassandra, on this machine for trials
	@scripts/cluster

test: ## every ring of tests; the last line is "N passed, N failed"
	@scripts/test

check: ## format, lints, types and licences, without running a test
	@scripts/check

rows: ## which requirement rows the last `make test` covered, chapter by chapter
	@node scripts/rows.mjs

shots: ## screenshots of every screen at 390 and 1280 px into docs/screenshots
	@scripts/shots

bench: ## measure direct chats, fan-out, reconnects and idle sockets on this machine, two minutes
	@scripts/bench

dist: ## a release in target/dist: one tarball that runs on a bare Debian 12
	@scripts/dist

figures: ## measure the client: first load, memory, frames, Lighthouse, into docs/client-figures.md
	@scripts/figures
