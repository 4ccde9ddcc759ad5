/*
 * posthorn/import_keywords.c - what other servers keep beside a Maildir.
 *
 * Input: text files that anybody may have written; a line that makes no sense is passed over.
 */
#include "posthorn/import_keywords.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/imap_utf7.h"
#include "posthorn/import_text.h"

/* ---- keywords ---- */

static bool
is_keyword(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((unsigned char)word.ptr[i] <= ' ' || word.ptr[i] == 0x7f)
            return false;
    return word.len > 0 && word.len <= MAILBOX_KEYWORD_LEN_MAX;
}

static void
read_dovecot(struct import_keywords *k)
{
    struct slice text = strbuf_slice(&k->dovecot_text);

    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n');
        uint64_t number;

        if (parse_u64(slice_split(&line, ' '), ARRAY_LEN(k->letters) - 1, &number) == 0 &&
            is_keyword(line))
            k->letters[number] = line;
    }
}

static int
by_file(const void *a, const void *b)
{
    return slice_cmp(((const struct courier_line *)a)->file,
                     ((const struct courier_line *)b)->file);
}

static void
read_courier(struct import_keywords *k)
{
    struct slice text = strbuf_slice(&k->courier_text), line;
    size_t names = 0, cap = 0;

    while (text.len > 0 && (line = slice_split(&text, '\n')).len > 0)
        if (names < ARRAY_LEN(k->courier))
            k->courier[names++] = is_keyword(line) ? line : SLICE("");
    while (text.len > 0) {
        line = slice_split(&text, '\n');
        if (k->line_count == cap) {
            cap = cap == 0 ? 64 : cap * 2;
            k->lines = xreallocarray(k->lines, cap, sizeof(*k->lines));
        }
        k->lines[k->line_count].file = slice_split(&line, ':');
        k->lines[k->line_count++].numbers = line;
    }
    if (k->line_count > 1)
        qsort(k->lines, k->line_count, sizeof(*k->lines), by_file);
}

void
import_keywords_read(struct import_keywords *k, int root, const char *dir)
{
    *k = (struct import_keywords){.dovecot_text = import_text_read(root, dir, "dovecot-keywords"),
                                  .courier_text =
                                      import_text_read(root, dir, "courierimapkeywords/:list")};
    read_dovecot(k);
    read_courier(k);
}

void
import_keywords_free(struct import_keywords *k)
{
    strbuf_free(&k->dovecot_text);
    strbuf_free(&k->courier_text);
    xfree(&k->lines);
}

uint32_t
import_keywords_of(const struct import_keywords *k, struct slice name, struct slice info,
                   struct slice words[MAILBOX_KEYWORDS_MAX])
{
    struct courier_line key = {.file = slice_sub(name, 0, slice_find(name, SLICE(":2,")))}, *line;
    uint32_t count = 0;
    uint64_t number;

    if (slice_index(info, 'P') < info.len)
        words[count++] = SLICE("$Forwarded");
    for (size_t i = 0; i < info.len && count < MAILBOX_KEYWORDS_MAX; i++)
        if (info.ptr[i] >= 'a' && info.ptr[i] <= 'z' && k->letters[info.ptr[i] - 'a'].len > 0)
            words[count++] = k->letters[info.ptr[i] - 'a'];
    line = k->line_count == 0 ? NULL
                              : bsearch(&key, k->lines, k->line_count, sizeof(*k->lines), by_file);
    for (struct slice rest = line == NULL ? SLICE("") : line->numbers;
         rest.len > 0 && count < MAILBOX_KEYWORDS_MAX;)
        if (parse_u64(slice_split(&rest, ' '), ARRAY_LEN(k->courier) - 1, &number) == 0 &&
            k->courier[number].len > 0)
            words[count++] = k->courier[number];
    return count;
}

/* ---- subscriptions ---- */

/* A name in modified UTF-7 whose levels are parted by `separator`. */
static int
subscribe(struct store *store, struct slice line, char separator)
{
    struct strbuf levels = strbuf_new((size_t)STORE_NAME_MAX * 8),
                  name = strbuf_new(STORE_NAME_MAX);
    int rc = 0;

    for (size_t i = 0; i < line.len; i++)
        (void)strbuf_char(&levels, line.ptr[i] == separator ? '/' : line.ptr[i]);
    if (line.len > 0 && imap_utf7_decode(strbuf_slice(&levels), &name) == 0 &&
        store_name_valid(strbuf_slice(&name)))
        rc = store_subscribe(store, strbuf_slice(&name), true);
    strbuf_free(&levels);
    strbuf_free(&name);
    return rc;
}

int
import_subscriptions_read(struct store *store, int root)
{
    struct strbuf dovecot = import_text_read(root, ".", "subscriptions");
    struct strbuf courier = import_text_read(root, ".", "courierimapsubscribed");
    struct slice rest = strbuf_slice(&dovecot);
    char separator = '.';
    int rc = 0;

    if (slice_starts(rest, SLICE("V\t2\n"))) {
        separator = '\t';
        rest = slice_sub(rest, 4, rest.len);
    }
    while (rest.len > 0 && rc == 0)
        rc = subscribe(store, slice_split(&rest, '\n'), separator);
    for (rest = strbuf_slice(&courier); rest.len > 0 && rc == 0;) {
        struct slice line = slice_split(&rest, '\n');

        if (slice_starts(line, SLICE("INBOX.")))
            line = slice_sub(line, 6, line.len);
        rc = subscribe(store, line, '.');
    }
    strbuf_free(&dovecot);
    strbuf_free(&courier);
    return rc;
}
