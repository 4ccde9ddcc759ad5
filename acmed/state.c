/*
 * acmed/state.c - reads and writes NAME.state. Our own file: what does not fit is left out.
 */
#include "acmed/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { FILE_MAX = 16384 };

static const struct item {
    const char *word;
    size_t offset;
    size_t size; /* of the text; 0: a number */
} items[] = {
    {"order", offsetof(struct state, order), sizeof(((struct state *)0)->order)},
    {"directory", offsetof(struct state, directory), sizeof(((struct state *)0)->directory)},
    {"request", offsetof(struct state, request), sizeof(((struct state *)0)->request)},
    {"serial", offsetof(struct state, serial), sizeof(((struct state *)0)->serial)},
    {"cert_id", offsetof(struct state, cert_id), sizeof(((struct state *)0)->cert_id)},
    {"not_before", offsetof(struct state, not_before_ms), 0},
    {"not_after", offsetof(struct state, not_after_ms), 0},
    {"window_start", offsetof(struct state, window_start_ms), 0},
    {"window_end", offsetof(struct state, window_end_ms), 0},
    {"renew", offsetof(struct state, renew_ms), 0},
    {"look", offsetof(struct state, look_ms), 0},
    {"next", offsetof(struct state, next_ms), 0},
    {"failures", offsetof(struct state, failures), 0},
    {"looks_failed", offsetof(struct state, looks_failed), 0},
    {"revoked", offsetof(struct state, is_revoked), 0},
    {"explanation", offsetof(struct state, explanation), sizeof(((struct state *)0)->explanation)},
    {"error", offsetof(struct state, error), sizeof(((struct state *)0)->error)},
};

static void
take(struct state *state, const struct item *item, struct slice value)
{
    char *at = (char *)state + item->offset;
    uint64_t number;

    if (item->size == 0) {
        if (parse_u64(value, INT64_MAX / 4, &number) == 0)
            *(int64_t *)(void *)at = (int64_t)number;
    } else if (value.len < item->size && parse_is_ascii_print(value)) {
        memcpy(at, value.ptr, value.len);
        at[value.len] = '\0';
    }
}

void
state_read(int dirfd, const char *name, struct state *state)
{
    struct strbuf text = strbuf_new(FILE_MAX);
    char *file = xasprintf("%s.state", name);
    struct slice rest;

    *state = (struct state){0};
    (void)read_file(dirfd, file, &text); /* there is none at first */
    rest = strbuf_slice(&text);
    while (rest.len > 0) {
        struct slice value = slice_split(&rest, '\n'), word = slice_split(&value, ' ');

        for (size_t i = 0; i < ARRAY_LEN(items); i++)
            if (value.len > 0 && slice_eq(word, slice_of(items[i].word)))
                take(state, &items[i], value);
    }
    strbuf_free(&text);
    free(file);
}

int
state_write(int dirfd, const char *name, const struct state *state)
{
    struct strbuf text = strbuf_new(FILE_MAX);
    char *file = xasprintf("%s.state", name);
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        const char *at = (const char *)state + items[i].offset;
        int64_t number = items[i].size > 0 ? 0 : *(const int64_t *)(const void *)at;

        if (items[i].size > 0 && at[0] != '\0')
            (void)strbuf_printf(&text, "%s %s\n", items[i].word, at);
        else if (number > 0)
            (void)strbuf_printf(&text, "%s %lld\n", items[i].word, (long long)number);
    }
    rc = replace_file(dirfd, file, strbuf_slice(&text), 0600);
    strbuf_free(&text);
    free(file);
    return rc;
}
