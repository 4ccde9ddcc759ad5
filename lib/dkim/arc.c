/*
 * lib/dkim/arc.c - Authenticated Received Chains.
 *
 * Input: header sections that anybody wrote. All lists have limits: fields, sets, names.
 */
#include "lib/dkim/arc.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/dkim/canonical.h"
#include "lib/dkim/tags.h"
#include "lib/mail/address.h"

#define HASHED_MAX (64u << 20)
#define UNSIGNED_MAX (1u << 20) /* of one field */

const char *
arc_cv_word(enum arc_cv cv)
{
    static const char *const words[] = {
        [ARC_NONE] = "none", [ARC_PASS] = "pass", [ARC_FAIL] = "fail"};

    return words[cv];
}

/* ---- taking it apart ---- */

/* "i=1;" at the start of a field's body (sections 4.1.1 to 4.1.3). 0: there is none. */
static unsigned
instance_of(struct slice body)
{
    struct slice value = slice_split(&body, ';');
    struct slice name = slice_trim(slice_split(&value, '='));
    uint64_t instance;

    if (!slice_eq(name, SLICE("i")) || parse_u64(slice_trim(value), ARC_SETS_MAX, &instance) < 0)
        return 0;
    return (unsigned)instance;
}

enum kind { RESULTS, MESSAGE, SEAL, OTHER };

static enum kind
kind_of(struct slice name)
{
    if (slice_eq_nocase(name, SLICE("ARC-Authentication-Results")))
        return RESULTS;
    if (slice_eq_nocase(name, SLICE("ARC-Message-Signature")))
        return MESSAGE;
    return slice_eq_nocase(name, SLICE("ARC-Seal")) ? SEAL : OTHER;
}

static void
take_field(struct arc_chain *chain, const struct header_field *field)
{
    enum kind kind = kind_of(field->name);
    unsigned instance = instance_of(field->body);
    struct header_field *place;
    struct arc_set *set;

    if (kind == OTHER)
        return;
    if (instance == 0) {
        chain->trouble = "a field without its instance";
        return;
    }
    if (instance > chain->count)
        chain->count = instance;
    set = &chain->sets[instance - 1];
    place = kind == RESULTS ? &set->results : kind == MESSAGE ? &set->message : &set->seal;
    if (place->name.len > 0)
        chain->trouble = "an instance that is there twice";
    else
        *place = *field;
}

static struct slice
seal_cv(const struct arc_set *set)
{
    struct dkim_tags tags;

    if (set->seal.name.len == 0 || !dkim_tags_parse(set->seal.body, &tags))
        return SLICE("");
    return dkim_tag(&tags, "cv");
}

static const char *
check_set(const struct arc_chain *chain, unsigned instance)
{
    const struct arc_set *set = &chain->sets[instance - 1];

    if (set->results.name.len == 0 || set->message.name.len == 0 || set->seal.name.len == 0)
        return "a set that lacks a field";
    if (!slice_eq(seal_cv(set), instance == 1 ? SLICE("none") : SLICE("pass")))
        return "a seal with the wrong cv=";
    return NULL;
}

void
arc_collect(struct slice section, struct arc_chain *chain)
{
    struct header_field field;

    memset(chain, 0, sizeof(*chain));
    for (unsigned i = 0; i < DKIM_HEADER_FIELDS && header_next(&section, &field) == HEADER_FIELD;
         i++)
        take_field(chain, &field);
    if (chain->count > 0)
        chain->ended = slice_eq(seal_cv(&chain->sets[chain->count - 1]), SLICE("fail"));
    for (unsigned i = 1; i <= chain->count && chain->trouble == NULL; i++)
        chain->trouble = check_set(chain, i);
}

/* ---- claims ---- */

static const char *
read_algorithm(const struct dkim_tags *tags, struct arc_claim *claim)
{
    struct slice a = dkim_tag(tags, "a");

    for (int i = 0; i < DKIM_ALGORITHMS; i++)
        if (slice_eq(a, slice_of(dkim_algorithm_tag((enum dkim_algorithm)i)))) {
            claim->algorithm = (enum dkim_algorithm)i;
            return NULL;
        }
    return "an unknown algorithm";
}

static const char *
read_signature(const struct dkim_tags *tags, struct arc_claim *claim)
{
    *claim = (struct arc_claim){.domain = dkim_tag(tags, "d"),
                                .selector = dkim_tag(tags, "s"),
                                .signature = strbuf_new(1024)};
    if (!address_is_domain(claim->domain, false) || !address_is_domain(claim->selector, false))
        return "no domain or selector";
    if (!dkim_tag_base64(dkim_tag(tags, "b"), &claim->signature))
        return "no signature";
    return read_algorithm(tags, claim);
}

/* "relaxed/simple"; without the second part that one is simple (RFC 6376 section 3.5). */
static const char *
read_canonical(struct slice value, struct arc_claim *claim)
{
    struct slice header = slice_split(&value, '/');

    claim->simple_header = header.len == 0 || slice_eq(header, SLICE("simple"));
    claim->simple_body = value.len == 0 || slice_eq(value, SLICE("simple"));
    if ((!claim->simple_header && !slice_eq(header, SLICE("relaxed"))) ||
        (!claim->simple_body && !slice_eq(value, SLICE("relaxed"))))
        return "an unknown canonical form";
    return NULL;
}

static bool
has_name(struct slice names, struct slice wanted)
{
    while (names.len > 0)
        if (slice_eq_nocase(slice_trim(slice_split(&names, ':')), wanted))
            return true;
    return false;
}

/* A signature over a part of the body (l=) says nothing of what was added to it (RFC 6376 section
 * 8.2): not taken. */
static const char *
read_message_tags(const struct dkim_tags *tags, struct arc_claim *claim)
{
    struct strbuf hash = strbuf_new(DKIM_DIGEST);
    const char *trouble = read_canonical(dkim_tag(tags, "c"), claim);

    claim->names = dkim_tag(tags, "h");
    if (trouble == NULL && dkim_tag(tags, "l").ptr != NULL)
        trouble = "a signature over a part of the body";
    if (trouble == NULL && !has_name(claim->names, SLICE("From")))
        trouble = "a signature without From";
    if (trouble == NULL &&
        (!dkim_tag_base64(dkim_tag(tags, "bh"), &hash) || hash.len != DKIM_DIGEST))
        trouble = "no hash of the body";
    if (trouble == NULL)
        memcpy(claim->body_hash, hash.ptr, DKIM_DIGEST);
    strbuf_free(&hash);
    return trouble;
}

const char *
arc_message_claim(const struct arc_set *set, struct arc_claim *claim)
{
    struct dkim_tags tags = {.count = 0};
    const char *trouble;

    if (!dkim_tags_parse(set->message.body, &tags))
        tags.count = 0;
    trouble = read_signature(&tags, claim);
    return trouble != NULL ? trouble : read_message_tags(&tags, claim);
}

const char *
arc_seal_claim(const struct arc_set *set, struct arc_claim *claim)
{
    struct dkim_tags tags = {.count = 0};
    const char *trouble;

    if (!dkim_tags_parse(set->seal.body, &tags))
        tags.count = 0;
    trouble = read_signature(&tags, claim);
    if (trouble == NULL && dkim_tag(&tags, "h").ptr != NULL)
        trouble = "a seal with h="; /* section 4.1.3 */
    return trouble;
}

void
arc_claim_free(struct arc_claim *claim)
{
    strbuf_free(&claim->signature);
}

/* ---- what is hashed ---- */

static void
add_relaxed(struct strbuf *out, const struct header_field *field)
{
    (void)dkim_canonical_field(field->name, field->body, out); /* overflow is remembered */
    (void)strbuf_str(out, "\r\n");
}

/* A signature's own field: without its value and without a line end. */
static void
add_own(struct strbuf *out, const struct header_field *field, bool simple)
{
    struct strbuf body = strbuf_new(UNSIGNED_MAX);

    if (!dkim_tags_unsigned(field->body, &body)) {
        out->overflow = true;
    } else if (simple) {
        size_t before = (size_t)(field->body.ptr - field->raw.ptr);

        (void)strbuf_append(out, slice_sub(field->raw, 0, before));
        (void)strbuf_append(out, strbuf_slice(&body));
    } else {
        (void)dkim_canonical_field(field->name, strbuf_slice(&body), out);
    }
    strbuf_free(&body);
}

/* RFC 6376 section 5.4.2: each mention takes the next one from the bottom; none left: nothing. */
static void
add_named(struct strbuf *out, const struct dkim_fields *fields, bool *used, struct slice name,
          bool simple)
{
    for (size_t i = fields->count; i-- > 0;) {
        if (used[i] || !slice_eq_nocase(fields->all[i].name, name))
            continue;
        used[i] = true;
        if (simple)
            (void)strbuf_append(out, fields->all[i].raw);
        else
            add_relaxed(out, &fields->all[i]);
        return;
    }
}

static void
digest_text(const struct strbuf *text, unsigned char digest[DKIM_DIGEST])
{
    digest_of(DIGEST_SHA256, strbuf_slice(text), SLICE(""), digest);
}

bool
arc_message_digest(struct slice section, const struct arc_set *set, const struct arc_claim *claim,
                   unsigned char digest[DKIM_DIGEST])
{
    struct strbuf out = strbuf_new(HASHED_MAX);
    struct dkim_fields fields;
    struct slice names = claim->names;
    bool done = dkim_fields_read(section, &fields) == NULL;
    bool *used = xcalloc(fields.count + 1, sizeof(*used));

    for (unsigned i = 0; done && names.len > 0; i++) {
        done = i < DKIM_NAMES_MAX;
        add_named(&out, &fields, used, slice_trim(slice_split(&names, ':')), claim->simple_header);
    }
    add_own(&out, &set->message, claim->simple_header);
    done = done && !out.overflow;
    if (done)
        digest_text(&out, digest);
    free(used);
    free(fields.all);
    strbuf_free(&out);
    return done;
}

/* Section 5.1.1: the sets in order, and in each the results, the message signature, the seal. */
static void
add_sets(struct strbuf *out, const struct arc_chain *chain, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        add_relaxed(out, &chain->sets[i].results);
        add_relaxed(out, &chain->sets[i].message);
        add_relaxed(out, &chain->sets[i].seal);
    }
}

bool
arc_seal_digest(const struct arc_chain *chain, unsigned instance, unsigned char digest[DKIM_DIGEST])
{
    const struct arc_set *set = &chain->sets[instance - 1];
    struct strbuf out = strbuf_new(HASHED_MAX);
    bool done;

    add_sets(&out, chain, instance - 1);
    add_relaxed(&out, &set->results);
    add_relaxed(&out, &set->message);
    add_own(&out, &set->seal, false);
    done = !out.overflow;
    if (done)
        digest_text(&out, digest);
    strbuf_free(&out);
    return done;
}

/* ---- the next set ---- */

bool
arc_results_make(unsigned instance, struct slice results, struct strbuf *out)
{
    return strbuf_printf(out, "ARC-Authentication-Results: i=%u; %.*s\r\n", instance,
                         (int)results.len, results.ptr);
}

/* The one field that a text of ours is. */
static bool
add_field_text(struct strbuf *out, struct slice text)
{
    struct header_field field;

    if (header_next(&text, &field) != HEADER_FIELD)
        return false;
    add_relaxed(out, &field);
    return true;
}

int
arc_seal_make(const struct arc_chain *chain, enum arc_cv cv, const struct dkim_signer *signer,
              struct slice results, struct slice message, struct strbuf *field,
              unsigned char digest[DKIM_DIGEST])
{
    static const char name[] = "ARC-Seal";
    struct strbuf out = strbuf_new(HASHED_MAX);
    size_t start = field->len;
    bool done;

    (void)strbuf_printf(field, "%s: i=%u; a=%s; t=%lld; cv=%s;\r\n\td=%.*s;\r\n\ts=%.*s; b=", name,
                        signer->instance, dkim_algorithm_tag(signer->algorithm),
                        (long long)signer->time_s, arc_cv_word(cv), (int)signer->domain.len,
                        signer->domain.ptr, (int)signer->selector.len, signer->selector.ptr);
    if (cv == ARC_PASS)
        add_sets(&out, chain, chain->count);
    done = add_field_text(&out, results) && add_field_text(&out, message) && !field->overflow;
    if (done)
        (void)dkim_canonical_field(
            slice_of(name), slice_sub(strbuf_slice(field), start + sizeof(name), field->len), &out);
    done = done && !out.overflow;
    if (done)
        digest_text(&out, digest);
    strbuf_free(&out);
    return done ? 0 : -1;
}
