/*
 * lib/auth/mechanisms.c - the SASL mechanisms of auth.mechanisms, and which of them a connection
 * may be offered. The words come from the configuration, which has checked them. No I/O.
 */
#include "lib/auth/mechanisms.h"

#include <stdlib.h>

#include "lib/base/mem.h"

enum { TEXT_MAX = 1024 };

/* What a connection can carry, each level all that is before it. */
enum level { LEVEL_OPEN, LEVEL_PROTECTED, LEVEL_BOUND, LEVEL_COUNT };

struct mechanisms {
    struct strbuf offered[LEVEL_COUNT];
};

static enum level
level_needed(struct slice name)
{
    if (slice_ends(name, SLICE("-PLUS")))
        return LEVEL_BOUND;
    return slice_starts(name, SLICE("SCRAM-")) ? LEVEL_OPEN : LEVEL_PROTECTED;
}

struct mechanisms *
mechanisms_new(const struct conf *conf)
{
    struct mechanisms *m = xcalloc(1, sizeof(*m));
    size_t count = conf_list_count(conf, AUTH_MECHANISMS);

    for (int level = 0; level < LEVEL_COUNT; level++) {
        struct strbuf *out = &m->offered[level];

        *out = strbuf_new(TEXT_MAX);
        for (size_t i = 0; i < count; i++) {
            struct slice name = slice_of(conf_list_item(conf, AUTH_MECHANISMS, i));

            if ((int)level_needed(name) > level)
                continue;
            (void)strbuf_str(out, out->len > 0 ? " " : ""); /* each comes once: they fit */
            (void)strbuf_append(out, name);
        }
    }
    return m;
}

void
mechanisms_free(struct mechanisms **mechanismsp)
{
    if (*mechanismsp == NULL)
        return;
    for (int level = 0; level < LEVEL_COUNT; level++)
        strbuf_free(&(*mechanismsp)->offered[level]);
    xfree(mechanismsp);
}

bool
mechanisms_enabled(const struct mechanisms *m, struct slice name)
{
    struct slice rest = strbuf_slice(&m->offered[LEVEL_BOUND]);

    while (rest.len > 0)
        if (slice_eq_nocase(slice_split(&rest, ' '), name))
            return true;
    return false;
}

const char *
mechanisms_offered(const struct mechanisms *m, bool tls, bool binding, bool plain_allowed)
{
    enum level level = tls && binding         ? LEVEL_BOUND
                       : tls || plain_allowed ? LEVEL_PROTECTED
                                              : LEVEL_OPEN;

    return strbuf_cstr(&m->offered[level]);
}

bool
mechanisms_login_allowed(const struct mechanisms *m, bool tls, bool plain_allowed)
{
    return (tls || plain_allowed) && mechanisms_enabled(m, SLICE("PLAIN"));
}
