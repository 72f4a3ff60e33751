# what is made or measured with outside packages, in throw-away virtual environments
.PHONY: list-tests tables golden bench
list-tests:
	@printf '%s\n' $(TEST_BINS) $(FUZZ_REPLAY)

# Unicode tables of the tokenizer, from the package over every code point
tables:
	@mk/tables.sh

# the golden ids and embeddings that the project carries itself
golden:
	@mk/golden.sh

# figures against peers: docs/PERFORMANCE.md names what each line is
bench: programs
	@bench/run.sh
