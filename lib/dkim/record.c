/*
 * lib/dkim/record.c - key records: made from a key, and compared with one.
 *
 * Input: TXT records that somebody has published. A list of tags (RFC 6376 section 3.2): unknown
 * ones are skipped, white space around names and values counts for nothing.
 */
#include "lib/dkim/record.h"

#include "lib/base/encode.h"

static const char *const key_types[] = {
    [DKIM_RSA_SHA256] = "rsa",
    [DKIM_ED25519_SHA256] = "ed25519",
};

bool
dkim_record_write(enum dkim_algorithm algorithm, struct slice key, struct strbuf *out)
{
    return strbuf_printf(out, "v=DKIM1; k=%s; p=", key_types[algorithm]) && base64_encode(key, out);
}

/* Is `word` one of those between the colons of `list`? */
static bool
has_word(struct slice list, const char *word)
{
    while (list.len > 0)
        if (slice_eq(slice_trim(slice_split(&list, ':')), slice_of(word)))
            return true;
    return false;
}

/* The base64 text of "p=" may be folded (section 3.6.1). */
static bool
same_key(struct slice value, struct slice key)
{
    struct strbuf text = strbuf_new(DKIM_RECORD_MAX), found = strbuf_new(DKIM_RECORD_MAX);
    bool same;

    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != ' ' && value.ptr[i] != '\t' && value.ptr[i] != '\r' &&
            value.ptr[i] != '\n')
            (void)strbuf_char(&text, value.ptr[i]); /* cut: then it is another key */
    same = base64_decode(strbuf_slice(&text), &found) == 0 && slice_eq(strbuf_slice(&found), key);
    strbuf_free(&text);
    strbuf_free(&found);
    return same;
}

static const char *
check_tag(struct slice name, struct slice value, enum dkim_algorithm algorithm, struct slice key)
{
    if (slice_eq(name, SLICE("v")) && !slice_eq(value, SLICE("DKIM1")))
        return "it is of another version than DKIM1";
    if (slice_eq(name, SLICE("k")) && !slice_eq(value, slice_of(key_types[algorithm])))
        return "its key is of another type (k=)";
    if (slice_eq(name, SLICE("h")) && !has_word(value, "sha256"))
        return "it does not allow SHA-256 (h=)";
    if (slice_eq(name, SLICE("s")) && !has_word(value, "*") && !has_word(value, "email"))
        return "it is not for mail (s=)";
    if (slice_eq(name, SLICE("t")) && has_word(value, "y"))
        return "it says that the domain is only testing DKIM (t=y)";
    if (slice_eq(name, SLICE("p")) && value.len == 0)
        return "its key has been revoked (p= is empty)";
    if (slice_eq(name, SLICE("p")) && !same_key(value, key))
        return "it holds another key (p=)";
    return NULL;
}

const char *
dkim_record_check(struct slice record, enum dkim_algorithm algorithm, struct slice key)
{
    const char *why = NULL;
    bool has_key = false, has_type = false;

    for (bool first = true; record.len > 0 && why == NULL; first = false) {
        struct slice value = slice_split(&record, ';');
        struct slice name = slice_trim(slice_split(&value, '='));

        if (slice_eq(name, SLICE("v")) && !first)
            return "v= is not its first tag"; /* section 3.6.1: then it is no record at all */
        why = check_tag(name, slice_trim(value), algorithm, key);
        has_key = has_key || slice_eq(name, SLICE("p"));
        has_type = has_type || slice_eq(name, SLICE("k"));
    }
    if (why == NULL && !has_key)
        return "it holds no key (p=)";
    if (why == NULL && !has_type && algorithm != DKIM_RSA_SHA256)
        return "it does not say that its key is of type ed25519 (k=)"; /* the default is rsa */
    return why;
}
