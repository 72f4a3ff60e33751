# EphemeralML.  `make` builds the four programs, `make demo` shows them, `make test` proves them.
#
#   make            build/em build/em-host build/em-enclave build/em-twin build/libem.a
#   make demo       one real inference through all three zones, on this machine
#   make test       every test; the last part under clang and under ASan+UBSan
#   make bench      figures against peers, as ratios; JSON beside them
#   make fuzz       each parser's fuzzer for FUZZ_SECONDS (default 60)
#   make check      the fast checks: text, headers, rooms, format
#   make deps       the Debian packages all this needs
#   make tcb        the lines that go into the measured image
#
# V=gcc (default) | clang | asan | tsan | arm64 chooses the build, each in a folder of its own.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash
V ?= gcc
O ?= $(if $(filter gcc,$(V)),build,build/$(V))
SHARED ?= ../shared
VERSION := 0.1.0
export SHARED

# arm64: base, engine and the tests for emulators (mk/extra.mk); no library is at hand for more
CROSS := $(if $(filter arm64,$(V)),aarch64-linux-gnu-)
ifneq ($(filter asan tsan clang fuzz cover,$(V)),)
CC := clang-14
else
CC := $(CROSS)gcc
endif
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

WARN := -std=gnu11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wvla -Wcast-qual -Wundef -Werror
HARD := -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=pattern -fPIE
ifneq ($(MACHINE),aarch64)
HARD += -fcf-protection
else
HARD += -mbranch-protection=standard
endif
BASE := -O2 -g -ffp-contract=off -fno-math-errno -fvisibility=hidden -ffile-prefix-map=$(CURDIR)=.
LINK := -pie -Wl,-z,relro,-z,now
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread
SAN_fuzz := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
SAN_cover := -fprofile-instr-generate -fcoverage-mapping
ifneq ($(filter gcc arm64,$(V)),)
HARD += -fzero-call-used-regs=used-gpr
endif
ifneq ($(SAN_$(V)),)
BASE += $(SAN_$(V)) -DEM_SANITIZED
LINK += $(SAN_$(V))
else
HARD += -D_FORTIFY_SOURCE=2
endif
CFLAGS_ALL = $(WARN) $(BASE) $(HARD) -D_GNU_SOURCE -DEM_VERSION='"$(VERSION)"'

# a file's name sets its instruction set
isa = $(if $(findstring _avx512,$1),-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c,$(if \
    $(findstring _avx2,$1),-mavx2 -mfma -mf16c,$(if $(findstring _sdot,$1),-march=armv8.2-a+dotprod)))

all: programs

# ---- rooms -----------------------------------------------------------------------------
$(O)/rooms.mk: ROOMS mk/rooms.awk
	@mkdir -p $(O)
	@awk -v O=$(O) -f mk/rooms.awk ROOMS > $@
-include $(O)/rooms.mk

LIBFLAG_libcrypto := -lcrypto
LIBFLAG_libssl := -lssl
LIBFLAG_sodium := -l:libsodium.a
LIBFLAG_math := -lm
LIBFLAG_curl := -lcurl
LIBFLAG_jansson := -ljansson
LIBFLAG_microhttpd := -lmicrohttpd
# libssl needs libcrypto behind it
libflags = $(foreach w,libssl curl microhttpd jansson libcrypto sodium math any,$(if $(filter $w,$1),$(LIBFLAG_$w))) -lpthread

# kernels for other processors than this build's
FOREIGN := $(if $(filter aarch64,$(MACHINE)),%_avx2.c %_avx512.c,%_neon.c %_sdot.c)

define ROOM_RULES
SRC_$1 := $$(filter-out $$(FOREIGN),$$(sort $$(wildcard $$(FOLDER_$1)/*.c $$(FOLDER_$1)/kernel/*.c)))
OBJ_$1 := $$(SRC_$1:%.c=$$(O)/obj/%.o)
$$(OBJ_$1): $$(O)/obj/%.o: %.c $$(O)/view/$1/.made | $$(O)/.tools
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(call isa,$$(notdir $$<)) -I$$(O)/view/$1 -MMD -MP -c $$< -o $$@
$$(O)/lib$1.a: $$(OBJ_$1)
	@rm -f $$@
	$$(Q)$$(CROSS)ar rcsD $$@ $$^
DEPS += $$(OBJ_$1:.o=.d)
.PHONY: room-$1
room-$1: $$(O)/lib$1.a
endef
$(foreach r,$(ROOM_LIST),$(eval $(call ROOM_RULES,$r)))

Q := $(if $(VERBOSE),,@)

# names the command when the packages are missing, before the first compile
$(O)/.tools: mk/deps.sh
	@mkdir -p $(O)
	@mk/deps.sh --check $(if $(CROSS),cross,build)
	@touch $@

# ---- programs --------------------------------------------------------------------------
# main() lives in <room>/main.c; em-enclave is one static file on plain builds
PROGRAMS := $(filter-out libem,$(PROGRAM_LIST))
STATIC_em-enclave := $(if $(SAN_$(V)),,yes)
define PROGRAM_RULES
$$(O)/$1: $$(LIBS_$$(ROOM_OF_$1))
	$$(Q)$$(CC) $$(if $$(STATIC_$1),-static-pie $$(filter-out -pie,$$(LINK)),$$(LINK)) -o $$@ $$(O)/obj/$$(FOLDER_$$(ROOM_OF_$1))/main.o $$(LIBS_$$(ROOM_OF_$1)) \
	    $$(call libflags,$$(LINK_$$(ROOM_OF_$1))) 2> >(grep -v -E "statically linked applications requires|in function|^$$$$" >&2)
endef
$(foreach p,$(PROGRAMS),$(eval $(call PROGRAM_RULES,$p)))

# the client library is one archive of every room it reaches
$(O)/libem.a: $(LIBS_client)
	@rm -f $@; { echo CREATE $@; for a in $^; do echo ADDLIB $$a; done; echo SAVE; echo END; } | ar -M

.PHONY: programs
programs: $(PROGRAMS:%=$(O)/%) $(O)/libem.a

# ---- tests -----------------------------------------------------------------------------
# tests/<room>/<name>.c links what that room may use; tests/system links every room
TEST_SRC := $(sort $(filter-out tests/support/%,$(wildcard tests/*/*.c)))
SUPPORT_SRC := $(wildcard tests/support/*.c)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(O)/obj/%.o)
ALL_LIBS := $(foreach r,$(shell awk '!/^[[:space:]]*(#|$$)/ && $$1 != "program" {a[++n]=$$1} END {for (;n;n--) print a[n]}' ROOMS),$(O)/lib$r.a)
LIBS_system := $(ALL_LIBS)
LINK_system := $(sort $(foreach r,$(ROOM_LIST),$(WORDS_$r)))

$(SUPPORT_OBJ): $(O)/obj/%.o: %.c $(O)/view/all/.made | $(O)/.tools
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -I$(O)/view/all -MMD -MP -c $< -o $@
DEPS += $(SUPPORT_OBJ:.o=.d)

define TEST_RULES
$$(O)/$(1:.c=): $1 $$(SUPPORT_OBJ) $$(LIBS_$2) $$(O)/view/all/.made
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -I$$(O)/view/all -MMD -MP -MF $$@.d -o $$@ $1 $$(SUPPORT_OBJ) $$(LIBS_$2) \
	    $$(LINK) $$(call libflags,$$(LINK_$2) jansson)
DEPS += $$(O)/$(1:.c=).d
TESTS_$2 += $$(O)/$(1:.c=)
endef
$(foreach t,$(TEST_SRC),$(eval $(call TEST_RULES,$t,$(word 2,$(subst /, ,$t)))))
TEST_BINS := $(TEST_SRC:%.c=$(O)/%)
TEST_SCRIPTS := $(sort $(wildcard tests/system/*.sh))

.PHONY: tests $(ROOM_LIST:%=test-%) test-system unit
tests: $(TEST_BINS)
define ROOM_TEST
test-$1: $$(TESTS_$1)
	@O=$$(O) mk/run-tests.sh $$(TESTS_$1)
endef
$(foreach r,$(ROOM_LIST) system,$(eval $(call ROOM_TEST,$r)))

# every C test of this build, with the fuzz corpora replayed; no summary of the plain form
unit: $(TEST_BINS) $(FUZZ_REPLAY)
	@O=$(O) mk/run-tests.sh $(TEST_BINS)

# ---- fuzzers ---------------------------------------------------------------------------
# fuzz/<name>.c defines LLVMFuzzerTestOneInput; fuzz/corpus/<name>/ is replayed by every test
FUZZ_SRC := $(sort $(wildcard fuzz/*.c))
FUZZ_SECONDS ?= 60
FUZZ_REPLAY := $(FUZZ_SRC:fuzz/%.c=$(O)/fuzz/%.replay)
$(O)/fuzz/%.replay: fuzz/%.c fuzz/replay/main.c $(ALL_LIBS) $(O)/view/all/.made
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -I$(O)/view/all -o $@ fuzz/$*.c fuzz/replay/main.c $(ALL_LIBS) $(LINK) $(call libflags,$(LINK_system))
$(O)/fuzz/%.fuzz: fuzz/%.c $(ALL_LIBS) $(O)/view/all/.made
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -I$(O)/view/all -o $@ fuzz/$*.c $(ALL_LIBS) $(LINK) -fsanitize=fuzzer $(call libflags,$(LINK_system))
.PHONY: fuzz fuzzers replays
replays: $(FUZZ_REPLAY)
fuzzers: $(FUZZ_SRC:fuzz/%.c=$(O)/fuzz/%.fuzz)
fuzz:
	@$(MAKE) --no-print-directory V=fuzz fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) mk/run-fuzz.sh build/fuzz

# ---- the whole -------------------------------------------------------------------------
.PHONY: all deps demo test check rooms format-fix tcb clean
deps:
	@mk/deps.sh --install all

check: $(ROOM_LIST:%=$(O)/lib%.a)
	@mk/check-text.sh
	@mk/check-secrets.sh
	@CC=$(CC) O=$(O) mk/check-headers.sh
	@O=$(O) mk/check-rooms.sh
	@mk/check-format.sh

rooms: $(ROOM_LIST:%=$(O)/lib%.a)
	@O=$(O) mk/check-rooms.sh

format-fix:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-14 -i

demo:
	@mk/deps.sh --install build
	@$(MAKE) --no-print-directory programs
	@mk/model.sh
	@$(O)/em demo $(DEMO)

test:
	@mk/deps.sh --install all
	@mk/test.sh

tcb:
	@mk/tcb.sh

clean:
	rm -rf build

-include $(DEPS)
-include mk/extra.mk
