/*
 * lib/dkim/signature.c - chooses header fields and makes DKIM-Signature fields (RFC 6376
 * sections 3.5, 3.7, 5.4).
 *
 * Input: header sections written by anybody, and names from the configuration. No key comes here.
 */
#include "lib/dkim/signature.h"

#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/dkim/canonical.h"
#include "lib/mail/address_list.h"
#include "lib/mail/header.h"

enum {
    LINE_WIDTH = 76, /* of the field that we write (RFC 5322 section 2.1.1) */
    NAMES_TEXT_MAX = 8192,
};

static const char *const algorithm_tags[] = {
    [DKIM_RSA_SHA256] = "rsa-sha256",
    [DKIM_ED25519_SHA256] = "ed25519-sha256",
};

const char *
dkim_algorithm_tag(enum dkim_algorithm algorithm)
{
    return algorithm_tags[algorithm];
}

/* ---- which fields ---- */

/* Only CRLF folds and ends a field: a bare one means different things to different verifiers. */
static bool
has_bare_line_end(struct slice raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '\r' && i + 1 < raw.len && raw.ptr[i + 1] == '\n')
            i++;
        else if (raw.ptr[i] == '\r' || raw.ptr[i] == '\n')
            return true;
    }
    return false;
}

const char *
dkim_fields_read(struct slice section, struct dkim_fields *fields)
{
    struct header_field field;
    enum header_status status;
    size_t cap = 0;

    *fields = (struct dkim_fields){NULL, 0};
    while ((status = header_next(&section, &field)) == HEADER_FIELD) {
        if (fields->count == DKIM_HEADER_FIELDS)
            return "too many header fields";
        if (has_bare_line_end(field.raw))
            return "a bare CR or LF in the header section";
        if (fields->count == cap) {
            cap = cap == 0 ? 64 : 2 * cap;
            fields->all = xreallocarray(fields->all, cap, sizeof(*fields->all));
        }
        fields->all[fields->count++] = field;
    }
    return status == HEADER_BODY ? "a line in the header section that is no field" : NULL;
}

static size_t
count_named(const struct dkim_fields *fields, struct slice name)
{
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++)
        count += slice_eq_nocase(fields->all[i].name, name);
    return count;
}

static bool
is_listed(const struct slice *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(names[i], name))
            return true;
    return false;
}

static void
add_name(struct dkim_header *out, struct slice name, size_t times)
{
    while (times-- > 0) {
        if (out->names.len > 0)
            (void)strbuf_char(&out->names, ':'); /* an overflow is remembered */
        (void)strbuf_append(&out->names, name);
    }
}

/* Section 5.4.2: of several with one name the last one is hashed first. */
static void
hash_named(const struct dkim_fields *fields, struct slice name, struct dkim_header *out)
{
    for (size_t i = fields->count; i-- > 0;) {
        if (!slice_eq_nocase(fields->all[i].name, name))
            continue;
        (void)dkim_canonical_field(fields->all[i].name, fields->all[i].body, &out->hashed);
        (void)strbuf_str(&out->hashed, "\r\n"); /* an overflow is remembered */
    }
}

static const char *
choose(const struct dkim_fields *fields, const struct dkim_header_list *list,
       struct dkim_header *out)
{
    size_t total = 0;

    if (count_named(fields, SLICE("From")) != 1)
        return "there is not exactly one From field"; /* RFC 5322 section 3.6 */
    for (size_t i = 0; i < list->count; i++) {
        struct slice name = list->names[i];
        size_t present = count_named(fields, name);
        size_t times =
            present + (is_listed(list->oversigned, list->oversigned_count, name) ? 1 : 0);

        if (is_listed(list->names, i, name))
            continue; /* named twice in the configuration */
        total += times;
        if (total > DKIM_NAMES_MAX)
            return "too many header fields to sign";
        add_name(out, name, times);
        hash_named(fields, name, out);
    }
    return out->names.overflow || out->hashed.overflow ? "the header section is too long" : NULL;
}

const char *
dkim_header_choose(struct slice section, const struct dkim_header_list *list,
                   struct dkim_header *out)
{
    struct dkim_fields fields;
    const char *why;

    *out = (struct dkim_header){.names = strbuf_new(NAMES_TEXT_MAX),
                                .hashed = strbuf_new(2 * section.len + 4096)};
    why = dkim_fields_read(section, &fields);
    if (why == NULL)
        why = choose(&fields, list, out);
    free(fields.all);
    return why;
}

void
dkim_header_free(struct dkim_header *header)
{
    strbuf_free(&header->names);
    strbuf_free(&header->hashed);
}

bool
dkim_author_domain(struct slice section, struct strbuf *domain)
{
    struct header_field from;
    struct address_list list;
    struct address_entry entry;
    struct strbuf other = strbuf_new(CANONICAL_DOMAIN_MAX);
    bool found = false, same = true;

    if (!header_find(section, "From", &from))
        return false;
    list = address_list_begin(from.body);
    while (same && address_list_next(&list, &entry)) {
        if (entry.kind != ADDRESS_MAILBOX)
            continue;
        strbuf_clear(&other);
        same = canonical_domain(entry.domain, &other) == 0 &&
               (!found || slice_eq(strbuf_slice(&other), strbuf_slice(domain)));
        if (same && !found)
            found = strbuf_append(domain, strbuf_slice(&other));
    }
    address_list_end(&list);
    strbuf_free(&other);
    return found && same;
}

/* ---- the field ---- */

struct folded { /* a field under way: where its last line began */
    struct strbuf *out;
    size_t line;
};

/* `text` and what has to follow it on the same line, on a new line if this one gets too long. */
static void
put(struct folded *f, const char *between, struct slice text)
{
    size_t len = f->out->len - f->line;

    if (len + slice_of(between).len + text.len > LINE_WIDTH) {
        (void)strbuf_str(f->out, "\r\n\t"); /* an overflow is remembered */
        f->line = f->out->len - 1;
        if (between[0] == ' ')
            between++;
    }
    (void)strbuf_str(f->out, between);
    (void)strbuf_append(f->out, text);
}

static void
put_tag(struct folded *f, const char *tag, struct slice value)
{
    struct strbuf text = strbuf_new(DKIM_FIELD_MAX);

    (void)strbuf_printf(&text, "%s=%.*s;", tag, (int)value.len, value.ptr);
    put(f, " ", strbuf_slice(&text));
    strbuf_free(&text);
}

/* Folding white space may stand around each colon (section 3.5). */
static void
put_names(struct folded *f, struct slice names)
{
    const char *between = " h=";

    while (names.len > 0) {
        struct slice name = slice_cut_after(&names, ':');

        put(f, between, name);
        between = "";
    }
    put(f, "", SLICE(";"));
}

static void
put_base64(struct folded *f, const char *tag, struct slice bytes)
{
    struct strbuf text = strbuf_new(DKIM_FIELD_MAX);

    (void)base64_encode(bytes, &text); /* shorter than the ceiling */
    put_tag(f, tag, strbuf_slice(&text));
    strbuf_free(&text);
}

int
dkim_field_make(const struct dkim_signer *signer, const struct dkim_header *header,
                const unsigned char body_hash[DKIM_DIGEST], struct strbuf *field,
                unsigned char digest[DKIM_DIGEST])
{
    const char *name = signer->instance == 0 ? "DKIM-Signature" : "ARC-Message-Signature";
    struct folded f = {.out = field, .line = field->len};
    struct strbuf own = strbuf_new(DKIM_FIELD_MAX), time = strbuf_new(24);
    size_t start = field->len;
    struct slice body;

    if (signer->instance == 0)
        (void)strbuf_printf(field, "%s: v=1;", name);
    else
        (void)strbuf_printf(field, "%s: i=%u;", name, signer->instance);
    (void)strbuf_u64(&time, (uint64_t)signer->time_s);
    put_tag(&f, "a", slice_of(algorithm_tags[signer->algorithm]));
    put_tag(&f, "c", SLICE("relaxed/relaxed"));
    put_tag(&f, "d", signer->domain);
    put_tag(&f, "s", signer->selector);
    put_tag(&f, "t", strbuf_slice(&time));
    put_names(&f, strbuf_slice(&header->names));
    put_base64(&f, "bh", slice_make(body_hash, DKIM_DIGEST));
    put(&f, " ", SLICE("b="));
    body = slice_sub(strbuf_slice(field), start + slice_of(name).len + 1, field->len);
    (void)dkim_canonical_field(slice_of(name), body, &own);
    digest_of(DIGEST_SHA256, strbuf_slice(&header->hashed), strbuf_slice(&own), digest);
    strbuf_free(&own);
    strbuf_free(&time);
    return field->overflow ? -1 : 0;
}

bool
dkim_field_finish(struct strbuf *field, struct slice signature)
{
    struct strbuf text = strbuf_new(DKIM_FIELD_MAX);
    struct slice rest;
    bool done = base64_encode(signature, &text);

    for (rest = strbuf_slice(&text); rest.len > 0; rest = slice_sub(rest, LINE_WIDTH - 8, rest.len))
        done = done && strbuf_str(field, "\r\n\t") &&
               strbuf_append(field, slice_sub(rest, 0, LINE_WIDTH - 8));
    strbuf_free(&text);
    return strbuf_str(field, "\r\n") && done;
}
