# Posthorn's one Makefile: no recursion, out-of-tree build, dependencies by -MMD.
#
#   make                 programs into build/bin and build/libexec/posthorn
#   make tests           unit tests into build/t (run by ./check)
#   make SAN=1           the same with ASan and UBSan, into build-asan
#   make FUZZ=1 fuzzers  libFuzzer targets, into build-fuzz
#   make TESTHOOKS=1     with the hook that lets a test run code inside a session worker: never install
#   make install DESTDIR=... PREFIX=/usr
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VERSION = 0.3
PREFIX ?= /usr/local
DESTDIR ?=
CC = gcc

ifdef FUZZ
CC = clang-14
BUILD ?= build-fuzz
else ifdef SAN
BUILD ?= build-asan
else ifdef TESTHOOKS
BUILD ?= build-hooks
else
BUILD ?= build
endif

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla \
       -Wmissing-prototypes -Wformat=2 -Werror
BASE = -std=c17 -D_GNU_SOURCE -I. -MMD -MP $(WARN) -fPIE -fstack-protector-strong \
       -DPOSTHORN_PREFIX='"$(PREFIX)"'
ifneq ($(or $(SAN),$(FUZZ)),)
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
OPT = -O1 -g -U_FORTIFY_SOURCE $(SANITIZE)
else
OPT = -O2 -g -D_FORTIFY_SOURCE=3
endif
ifdef FUZZ
OPT += -fsanitize=fuzzer-no-link
endif
CFLAGS ?=
ALL_CFLAGS = $(BASE) $(OPT) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE) $(LDFLAGS)

# Programs: sources are the folder's .c files; what a program links decides its memory.
DAEMONS = master logd accountd authd dnsd keyd filterd smtpd imapd pop3d queue-manager local-deliver remote-deliver archived admind acmed stsd directoryd ldapd syncd alertd figured metricsd blockd operd
LIBS_master = -levent_core -lseccomp
LIBS_logd = -levent_core -lseccomp
LIBS_accountd = -levent_core -lseccomp -ldb-5.3 -lidn2 -lunistring -lgsasl -lcrypt -largon2 -lcrypto
LIBS_authd = -levent_core -lseccomp -lgsasl -lidn2 -lunistring -lcrypt -largon2 -llber -lpam -ljansson -lssl -lcrypto
LIBS_dnsd = -levent_core -lseccomp -lunbound
LIBS_filterd = -levent_core -lseccomp
LIBS_keyd = -levent_core -lseccomp -lcrypto -lidn2 -lunistring
LIBS_smtpd = -levent_core -lseccomp -lssl -lcrypto -licuuc
LIBS_imapd = -levent_core -lseccomp -lsqlite3 -lssl -lcrypto -licuuc -lz
LIBS_admind = -levent_core -lseccomp -ljansson -lidn2 -lunistring -lssl -lcrypto
LIBS_pop3d = -levent_core -lseccomp -lssl -lcrypto
LIBS_queue-manager = -levent_core -lseccomp -lcrypto -licuuc
LIBS_local-deliver = -levent_core -lseccomp -lcrypto -licuuc
LIBS_remote-deliver = -levent_core -lseccomp -lssl -lcrypto -lidn2 -lunistring
LIBS_archived = -levent_core -lseccomp -lcrypto
LIBS_acmed = -levent_core -lseccomp -ljansson -lssl -lcrypto
LIBS_stsd = -levent_core -lseccomp -lssl -lcrypto -lz
LIBS_alertd = -levent_core -lseccomp -lssl -lcrypto
LIBS_figured = -levent_core -lseccomp
LIBS_metricsd = -levent_core -lseccomp -lssl -lcrypto
LIBS_blockd = -levent_core -lseccomp
LIBS_directoryd = -levent_core -lseccomp -licuuc -lidn2 -lunistring -lcrypto
LIBS_ldapd = -levent_core -lseccomp -lssl -lcrypto -llber -licuuc
LIBS_operd = -levent_core -lseccomp -lssl -lcrypto -lidn2 -lunistring
LIBS_syncd = -levent_core -lseccomp -llber -lssl -lcrypto -lidn2 -lunistring
LIBS_posthorn = -lqrencode -ljansson -llber -levent_core -lseccomp -lssl -lcrypto -lcrypt -largon2 -lgsasl -lidn2 -lunistring -licuuc
LIBS_ALL = -ljansson -levent_core -lseccomp -lsqlite3 -ldb-5.3 -lidn2 -lunistring -lgsasl -lcrypt -largon2 -lssl -lcrypto -lunbound -licuuc -lz -llber

DAEMONS := $(foreach d,$(DAEMONS),$(if $(wildcard $(d)/main.c),$(d)))
PROGRAMS = $(addprefix $(BUILD)/libexec/posthorn/,$(DAEMONS)) \
           $(if $(wildcard posthorn/main.c),$(BUILD)/bin/posthorn)

LIB_SRC := $(wildcard lib/*/*.c)
# With TESTHOOKS the sources that know of the hook are compiled once more; all other objects are
# those of the ordinary build.
ifdef TESTHOOKS
OBJ = build/obj
HOOK_SRC := $(shell grep -l POSTHORN_TESTHOOKS $(LIB_SRC))
else
OBJ = $(BUILD)/obj
endif
# What system.template_language can be without another file: conf/templates/LANGUAGE/NAME.txt
LANGUAGES = en zh-CN
TEMPLATES = $(basename $(notdir $(wildcard conf/templates/en/*.txt)))
PROFILES = $(basename $(notdir $(wildcard conf/profiles/*.conf)))
TEMPLATE_OBJ = $(foreach l,$(LANGUAGES),$(TEMPLATES:%=template_$(l)_%.o))
LIB_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(filter-out $(HOOK_SRC),$(LIB_SRC))) $(HOOK_SRC:%.c=$(BUILD)/hooks/%.o) $(addprefix $(OBJ)/gen/,services_conf.o posthorn_conf.o $(PROFILES:%=profile_%.o) $(TEMPLATE_OBJ))
TESTS := $(patsubst t/unit/%.c,$(BUILD)/t/%,$(wildcard t/unit/test_*.c))
TOOLS := $(patsubst t/tools/%.c,$(BUILD)/t/tools/%,$(wildcard t/tools/*.c))
FUZZERS := $(patsubst fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard fuzz/fuzz_*.c))

all: $(PROGRAMS)
tests: $(TESTS)
tools: $(TOOLS)
fuzzers: $(FUZZERS)
unit: $(TESTS)
	@t/run-unit $(TESTS)

# Each fuzz target for a moment; by hand: SECONDS=3600 make FUZZ=1 fuzz
SECONDS ?= 10
fuzz: $(FUZZERS)
	@t/run-fuzz $(SECONDS) $(FUZZERS)

$(OBJ)/posthorn/cmd_version.o $(OBJ)/lib/oper/host.o: BASE += -DPOSTHORN_VERSION='"$(VERSION)"'
$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/hooks/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $< with the hook'
	@$(CC) $(ALL_CFLAGS) -DPOSTHORN_TESTHOOKS -c -o $@ $<

# Texts that are built in, so that `posthorn setup` needs no file: $(call TEXT,object,file,header,name)
define TEXT
$$(OBJ)/gen/$(1).c: $(2) Makefile
	@mkdir -p $$(@D)
	@{ echo '#include "$(3)"'; echo 'const char $(4)[] = {'; \
	    od -An -v -tx1 $$< | sed 's/ \(..\)/(char)0x\1,/g'; echo '0};'; } > $$@
endef
$(eval $(call TEXT,services_conf,conf/services.conf,lib/conf/services.h,services_default_text))
$(foreach p,$(PROFILES),$(eval $(call TEXT,profile_$(p),conf/profiles/$(p).conf,lib/conf/profile.h,profile_$(subst -,_,$(p)))))
$(eval $(call TEXT,posthorn_conf,conf/posthorn.conf.in,lib/conf/conf_new.h,conf_new_head))
$(foreach l,$(LANGUAGES),$(foreach t,$(TEMPLATES),$(eval $(call TEXT,template_$(l)_$(t),conf/templates/$(l)/$(t).txt,lib/mail/template_set.h,template_$(subst -,_,$(l))_$(t)))))
$(OBJ)/gen/%.o: $(OBJ)/gen/%.c
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/libposthorn-core.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	@echo '  AR    $@'
	@ar rcs $@ $^

define PROGRAM
$(1)_OBJ := $$(patsubst %.c,$$(OBJ)/%.o,$$(wildcard $(1)/*.c))
$(2): $$($(1)_OBJ) $$(BUILD)/libposthorn-core.a
	@mkdir -p $$(@D)
	@echo '  LINK  $$@'
	@$$(CC) $$(ALL_LDFLAGS) -o $$@ $$($(1)_OBJ) $$(BUILD)/libposthorn-core.a $$(LIBS_$(1))
-include $$($(1)_OBJ:.o=.d)
endef
$(foreach d,$(DAEMONS),$(eval $(call PROGRAM,$(d),$$(BUILD)/libexec/posthorn/$(d))))
$(eval $(call PROGRAM,posthorn,$$(BUILD)/bin/posthorn))
# The command line calls servers by the library's own code.
LIBPOSTHORN_CORE = $(OBJ)/libposthorn/posthorn.o $(OBJ)/libposthorn/connection.o
$(BUILD)/bin/posthorn: $(LIBPOSTHORN_CORE)
LIBS_posthorn := $(LIBPOSTHORN_CORE) $(LIBS_posthorn)

# libposthorn, the C library for administration: stands alone, exports posthorn_* only.
LIBPOSTHORN_SO = libposthorn.so.1
LIBPOSTHORN_OBJ = $(patsubst libposthorn/%.c,$(BUILD)/libposthorn/%.o,$(wildcard libposthorn/*.c)) \
                  $(BUILD)/libposthorn/posthorn_calls.o
LIBPOSTHORN_FLAGS = $(filter-out -fPIE,$(ALL_CFLAGS)) -fPIC -I$(BUILD)/libposthorn
libposthorn: $(BUILD)/libposthorn.a $(BUILD)/$(LIBPOSTHORN_SO)
$(BUILD)/libposthorn/posthorn_calls.h: $(BUILD)/bin/posthorn
	@mkdir -p $(@D)
	@$(BUILD)/bin/posthorn api doc --c-header >$@
$(BUILD)/libposthorn/posthorn_calls.c: $(BUILD)/bin/posthorn
	@mkdir -p $(@D)
	@$(BUILD)/bin/posthorn api doc --c-source >$@
$(BUILD)/libposthorn/%.o: libposthorn/%.c $(BUILD)/libposthorn/posthorn_calls.h include/posthorn.h Makefile
	@echo '  CC    $<'
	@$(CC) $(LIBPOSTHORN_FLAGS) -c -o $@ $<
$(BUILD)/libposthorn/posthorn_calls.o: $(BUILD)/libposthorn/posthorn_calls.c $(BUILD)/libposthorn/posthorn_calls.h include/posthorn.h
	@$(CC) $(LIBPOSTHORN_FLAGS) -c -o $@ $<
$(BUILD)/libposthorn.a: $(LIBPOSTHORN_OBJ)
	@rm -f $@
	@ar rcs $@ $^
$(BUILD)/$(LIBPOSTHORN_SO): $(LIBPOSTHORN_OBJ) libposthorn/libposthorn.map
	@echo '  LINK  $@'
	@$(CC) -shared -Wl,-soname,$(LIBPOSTHORN_SO) -Wl,--version-script=libposthorn/libposthorn.map \
	    -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE) $(LDFLAGS) -o $@ $(LIBPOSTHORN_OBJ) -ljansson -lssl -lcrypto
	@ln -sf $(LIBPOSTHORN_SO) $(BUILD)/libposthorn.so
install-lib: libposthorn
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/doc/posthorn/samples
	install -m 644 include/posthorn.h $(BUILD)/libposthorn/posthorn_calls.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(BUILD)/libposthorn.a $(BUILD)/$(LIBPOSTHORN_SO) $(DESTDIR)$(PREFIX)/lib/
	ln -sf $(LIBPOSTHORN_SO) $(DESTDIR)$(PREFIX)/lib/libposthorn.so
	umask 022; sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' libposthorn/posthorn.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/posthorn.pc
	install -m 644 $(wildcard samples/*) $(DESTDIR)$(PREFIX)/share/doc/posthorn/samples/

# A unit test may include one program's own module objects: t/unit/test_X.c names them in a line
# "// LINK: smtpd/command.c". The same holds for fuzzers.
linked = $(patsubst %.c,$(OBJ)/%.o,$(shell sed -n 's|^// LINK: ||p' $(1)))
.SECONDEXPANSION:
$(BUILD)/t/%: t/unit/%.c $$(call linked,t/unit/%.c) $(BUILD)/libposthorn-core.a Makefile
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(call linked,$<) $(BUILD)/libposthorn-core.a \
	    -lcheck -lsubunit -lm -lrt -lpthread $(LIBS_ALL)
$(BUILD)/t/tools/%: t/tools/%.c $(BUILD)/libposthorn-core.a Makefile
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libposthorn-core.a $(LIBS_ALL)
$(BUILD)/fuzz/%: fuzz/%.c $$(call linked,fuzz/%.c) $(BUILD)/libposthorn-core.a Makefile
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< $(call linked,$<) \
	    $(BUILD)/libposthorn-core.a $(LIBS_ALL)

# Man pages lie in doc/NAME.SECTION; posthorn.conf(5) is made from the table of settings.
MAN_PAGES = $(wildcard doc/*.[1-8])
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man
MAN_VERSION = sed 's/^\.Os Posthorn$$/& $(VERSION)/'
CLIENT_PAGES = doc/posthorn.8
SERVER_PAGES = $(filter-out $(CLIENT_PAGES),$(MAN_PAGES))
DOC_DIR = $(DESTDIR)$(PREFIX)/share/doc/posthorn
INSTALL_PAGES = umask 022; for page in $(1); do $(MAN_VERSION) $$page >$(MAN_DIR)/man$${page\#\#*.}/$${page\#\#*/}; done
REMOVE_PAGES = for page in $(1); do rm -f $(MAN_DIR)/man$${page\#\#*.}/$${page\#\#*/}; done

# The server with its command; the command alone, for another host (posthorn api call); the library:
# install-lib. What uninstalls them leaves configuration, mail and logs alone.
install: install-client install-server
for-use:
ifneq ($(SAN)$(FUZZ)$(TESTHOOKS),)
	$(error this build is for tests: make install without SAN, FUZZ and TESTHOOKS)
endif
install-client: for-use $(BUILD)/bin/posthorn
	install -d $(DESTDIR)$(PREFIX)/bin $(MAN_DIR)/man7 $(MAN_DIR)/man8
	install -m 755 $(BUILD)/bin/posthorn $(DESTDIR)$(PREFIX)/bin/
	$(call INSTALL_PAGES,$(CLIENT_PAGES))
	umask 022; $(BUILD)/bin/posthorn api doc --man | $(MAN_VERSION) >$(MAN_DIR)/man7/posthorn-api.7
install-server: for-use all
	install -d $(DESTDIR)$(PREFIX)/libexec/posthorn $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DOC_DIR)/profiles $(MAN_DIR)/man5 $(MAN_DIR)/man8
	install -m 755 $(addprefix $(BUILD)/libexec/posthorn/,$(DAEMONS)) \
	    $(DESTDIR)$(PREFIX)/libexec/posthorn/
	$(call INSTALL_PAGES,$(SERVER_PAGES))
	umask 022; $(BUILD)/bin/posthorn config doc --man | $(MAN_VERSION) >$(MAN_DIR)/man5/posthorn.conf.5
	umask 022; sed 's|@PREFIX@|$(PREFIX)|g' conf/posthorn.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/posthorn.service
	install -m 644 conf/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/posthorn.conf
	install -m 644 conf/services.conf $(wildcard doc/*.md) README.md $(DOC_DIR)/
	install -m 644 $(wildcard conf/profiles/*.conf) $(DOC_DIR)/profiles/
	umask 022; $(BUILD)/bin/posthorn config doc --sample >$(DOC_DIR)/posthorn.conf

uninstall: uninstall-server uninstall-client
uninstall-client:
	rm -f $(DESTDIR)$(PREFIX)/bin/posthorn $(MAN_DIR)/man7/posthorn-api.7
	$(call REMOVE_PAGES,$(CLIENT_PAGES))
uninstall-server:
	rm -rf $(DESTDIR)$(PREFIX)/libexec/posthorn $(DOC_DIR)/profiles
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/posthorn.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/posthorn.conf \
	    $(MAN_DIR)/man5/posthorn.conf.5 $(DOC_DIR)/posthorn.conf $(DOC_DIR)/services.conf $(DOC_DIR)/README.md \
	    $(patsubst doc/%,$(DOC_DIR)/%,$(wildcard doc/*.md))
	$(call REMOVE_PAGES,$(SERVER_PAGES))
uninstall-lib:
	rm -rf $(DOC_DIR)/samples
	rm -f $(DESTDIR)$(PREFIX)/lib/pkgconfig/posthorn.pc $(DESTDIR)$(PREFIX)/lib/libposthorn.a \
	    $(DESTDIR)$(PREFIX)/lib/libposthorn.so $(DESTDIR)$(PREFIX)/lib/$(LIBPOSTHORN_SO) \
	    $(addprefix $(DESTDIR)$(PREFIX)/include/,posthorn.h posthorn_calls.h)

clean:
	rm -rf build build-asan build-fuzz build-hooks


.PHONY: libposthorn install-lib unit fuzz all tests tools fuzzers clean install install-client \
    install-server for-use uninstall uninstall-client uninstall-server uninstall-lib
-include $(LIB_OBJ:.o=.d) $(TESTS:=.d)
