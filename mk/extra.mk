# what is made or measured with outside packages, in throw-away virtual environments
.PHONY: list-tests tables golden bench bench-encoder coverage
list-tests:
	@printf '%s\n' $(TEST_BINS) $(FUZZ_REPLAY)

# Unicode tables of the tokenizer, from the package over every code point
tables:
	@mk/tables.sh

# the golden ids and embeddings that the project carries itself
golden:
	@mk/golden.sh

# line coverage of each parser under its own corpus
coverage:
	@mk/coverage.sh

# figures against peers: docs/PERFORMANCE.md names what each line is
bench: programs bench-programs $(O)/tests/engine/golden
	@bench/run.sh

ENCODER_BINS := $(O)/bench/encoder $(O)/bench/peak
$(ENCODER_BINS): $(O)/bench/%: bench/%.c bench/bench.h $(LIBS_tools) $(O)/view/all/.made
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -I$(O)/view/all -I. -o $@ $< $(LIBS_tools) $(LINK) $(call libflags,$(LINK_tools))

# the encoder against its peers in one run: the head of bench/encoder/run.py has the options
bench-encoder: $(ENCODER_BINS)
	@mk/model.sh
	@python3 bench/encoder/run.py $(O)

# the other bench programs link every room
BENCH_SRC := $(filter-out bench/encoder.c bench/peak.c,$(wildcard bench/*.c))
BENCH_BINS := $(BENCH_SRC:bench/%.c=$(O)/bench/%)
$(BENCH_BINS): $(O)/bench/%: bench/%.c bench/bench.h $(SUPPORT_OBJ) $(ALL_LIBS) $(O)/view/all/.made
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -I$(O)/view/all -I. -o $@ $< $(SUPPORT_OBJ) $(ALL_LIBS) $(LINK) $(call libflags,$(LINK_system))
.PHONY: bench-programs
bench-programs: $(BENCH_BINS)

# tests for emulators (tests/system/isa.sh): one static file each, of base, engine and os alone
EMULATED := $(addprefix $(O)/emulated/,engine/kernels engine/bert system/level)
EMULATED_LIBS := $(O)/libos.a $(LIBS_engine)
$(EMULATED): $(O)/emulated/%: tests/%.c $(SUPPORT_OBJ) $(EMULATED_LIBS) $(O)/view/all/.made
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -I$(O)/view/all -MMD -MP -MF $@.d -o $@ $< $(SUPPORT_OBJ) $(EMULATED_LIBS) -static -lm -lpthread
-include $(EMULATED:=.d)
.PHONY: emulated
emulated: $(EMULATED)
