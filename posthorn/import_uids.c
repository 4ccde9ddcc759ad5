/*
 * posthorn/import_uids.c - the UIDs and the names of POP3 that another server gave.
 *
 * Input: text files that anybody may have written; a line that makes no sense is passed over.
 */
#include "posthorn/import_uids.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/import_text.h"

#define WIDTH_MAX 20

/* ---- lines ---- */

static struct slice
base_of(struct slice file)
{
    return slice_sub(file, 0, slice_find(file, SLICE(":2,")));
}

static int
by_file(const void *a, const void *b)
{
    const struct import_uid *x = a, *y = b;
    int order = slice_cmp(x->file, y->file);

    return order != 0 ? order : (int)x->courier - (int)y->courier;
}

static struct import_uid *
add(struct import_uids *u, struct slice file)
{
    if (u->count == u->cap) {
        u->cap = u->cap == 0 ? 256 : u->cap * 2;
        u->list = xreallocarray(u->list, u->cap, sizeof(*u->list));
    }
    u->list[u->count] = (struct import_uid){.file = base_of(file)};
    return &u->list[u->count++];
}

static uint32_t
number(struct slice word)
{
    uint64_t value = 0;

    return parse_u64(word, UINT32_MAX, &value) == 0 ? (uint32_t)value : 0;
}

/* "UID FILE" */
static void
read_first_form(struct import_uids *u, struct slice text)
{
    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n');
        uint32_t uid = number(slice_split(&line, ' '));

        if (uid != 0 && line.len > 0)
            add(u, line)->uid = uid;
    }
}

/* "UID K... K... :FILE" */
static void
read_third_form(struct import_uids *u, struct slice text)
{
    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n'), fields;
        uint32_t uid = number(slice_split(&line, ' '));
        size_t colon = slice_starts(line, SLICE(":")) ? 0 : slice_find(line, SLICE(" :"));
        struct import_uid *x;

        if (uid == 0 || colon >= line.len)
            continue;
        fields = slice_sub(line, 0, colon);
        x = add(u, slice_sub(line, colon + (colon == 0 ? 1 : 2), line.len));
        x->uid = uid;
        while (fields.len > 0) {
            struct slice field = slice_split(&fields, ' ');

            if (slice_starts(field, SLICE("P"))) {
                x->own = true;
                x->pop3 = slice_sub(field, 1, field.len);
            }
        }
    }
}

static void
read_uidlist(struct import_uids *u)
{
    struct slice text = strbuf_slice(&u->text), head = slice_split(&text, '\n');
    struct slice version = slice_split(&head, ' ');

    if (slice_eq(version, SLICE("1"))) {
        u->uidvalidity = number(slice_split(&head, ' '));
        u->uidnext = number(head);
        read_first_form(u, text);
    } else if (slice_eq(version, SLICE("3"))) {
        while (head.len > 0) {
            struct slice word = slice_split(&head, ' ');

            if (slice_starts(word, SLICE("V")))
                u->uidvalidity = number(slice_sub(word, 1, word.len));
            else if (slice_starts(word, SLICE("N")))
                u->uidnext = number(slice_sub(word, 1, word.len));
        }
        read_third_form(u, text);
    }
}

/* "FILE SIZE N:VALIDITY", and what is not told here behind another colon. */
static void
read_courier_pop3(struct import_uids *u)
{
    struct slice text = strbuf_slice(&u->pop3_text), head = slice_split(&text, '\n');
    struct slice version = slice_split(&head, ' ');

    if (!slice_eq(version, SLICE("/2")) && !slice_eq(version, SLICE("/3")))
        return;
    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n');
        size_t last = slice_rindex(line, ' '), before = slice_rindex(slice_sub(line, 0, last), ' ');

        if (last < line.len && before < last && before > 0) {
            struct import_uid *x = add(u, slice_sub(line, 0, before));

            x->own = x->courier = true;
            x->pop3 = slice_sub(line, last + 1, line.len);
        }
    }
}

void
import_uids_read(struct import_uids *u, int root, const char *dir, const char *uidl_format)
{
    *u = (struct import_uids){.text = import_text_read(root, dir, "dovecot-uidlist"),
                              .format = uidl_format};
    if (u->text.len > 0) {
        u->pop3_text = strbuf_new(1);
        if (u->format == NULL)
            u->format = IMPORT_UIDL_DOVECOT;
    } else {
        strbuf_free(&u->text);
        u->text = import_text_read(root, dir, "courierimapuiddb");
        u->pop3_text = import_text_read(root, dir, "courierpop3dsizelist");
    }
    read_uidlist(u);
    read_courier_pop3(u);
    if (u->count > 1)
        qsort(u->list, u->count, sizeof(*u->list), by_file);
}

void
import_uids_free(struct import_uids *u)
{
    strbuf_free(&u->text);
    strbuf_free(&u->pop3_text);
    xfree(&u->list);
    u->count = u->cap = 0;
}

/* ---- looking up ---- */

static const struct import_uid *
find(const struct import_uids *u, struct slice file, bool courier)
{
    struct import_uid key = {.file = base_of(file), .courier = courier};

    return u->count == 0 ? NULL : bsearch(&key, u->list, u->count, sizeof(key), by_file);
}

uint32_t
import_uids_of(const struct import_uids *u, struct slice file)
{
    const struct import_uid *x = find(u, file, false);

    return x == NULL || u->uidvalidity == 0 ? 0 : x->uid;
}

/* One conversion behind its '%'; *at is left behind it. False: it is none of ours, or what it asks
 * for is not known. */
static bool
convert(const char **at, uint32_t uid, uint32_t uidvalidity, struct slice file, struct strbuf *out)
{
    bool zeros = **at == '0', hex;
    int width = 0;

    while (**at >= '0' && **at <= '9' && width <= WIDTH_MAX)
        width = width * 10 + *(*at)++ - '0';
    hex = **at == 'X';
    *at += hex;
    if (width > WIDTH_MAX ||
        !((**at == 'u' && uid != 0) || (**at == 'v' && uidvalidity != 0) || **at == 'f'))
        return false;
    if (**at == 'f')
        (void)strbuf_append(out, file); /* overflow is remembered */
    else
        (void)strbuf_printf(out, hex ? (zeros ? "%0*x" : "%*x") : (zeros ? "%0*u" : "%*u"), width,
                            **at == 'u' ? uid : uidvalidity);
    (*at)++;
    return true;
}

static bool
format_name(const char *format, uint32_t uid, uint32_t uidvalidity, struct slice file,
            struct strbuf *out)
{
    while (*format != '\0') {
        char c = *format++;

        if (c != '%' || *format == '%') {
            format += c == '%';
            (void)strbuf_char(out, c); /* overflow is remembered */
        } else if (!convert(&format, uid, uidvalidity, file, out)) {
            return false;
        }
    }
    return true;
}

bool
import_uidl_format_valid(const char *format)
{
    struct strbuf one = strbuf_new(1024), other = strbuf_new(1024);
    bool valid = format_name(format, 1, 3, SLICE("a"), &one) &&
                 format_name(format, 2, 3, SLICE("b"), &other) && !one.overflow &&
                 !slice_eq(strbuf_slice(&one), strbuf_slice(&other));

    strbuf_free(&one);
    strbuf_free(&other);
    return valid;
}

/* What Courier's POP3 server says for "N:VALIDITY": N 0 means the file's name. */
static void
courier_name(struct slice numbers, struct slice file, struct strbuf *out)
{
    uint32_t n = number(slice_split(&numbers, ':'));
    uint32_t validity = number(slice_split(&numbers, ':'));

    if (n == 0)
        (void)strbuf_append(out, file);
    else if (validity == 0)
        (void)strbuf_printf(out, "UID%u", n);
    else
        (void)strbuf_printf(out, "UID%u-%u", n, validity);
}

void
import_uids_pop3(const struct import_uids *u, struct slice file, struct strbuf *out)
{
    const struct import_uid *pop3 = find(u, file, true), *x = find(u, file, false);
    size_t before = out->len;

    file = base_of(file);
    if (pop3 != NULL) {
        courier_name(pop3->pop3, file, out);
    } else if (x != NULL && x->own) {
        (void)strbuf_append(out, x->pop3.len == 0 ? file : x->pop3);
    } else if (u->format != NULL &&
               !format_name(u->format, x == NULL ? 0 : x->uid, u->uidvalidity, file, out)) {
        strbuf_truncate(out, before);
    }
}
