/*
 * lib/ldap/fold.c - the form in which two values are compared. No I/O; values come from clients.
 */
#include "lib/ldap/fold.h"

#include "lib/mail/casemap.h"

#define FOLDED_MAX ((size_t)CASEMAP_GROWTH * 65536)

static bool
is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

static char
upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Runs of spaces become one; those at the ends go, or become one of a part. */
static void
squeeze(struct slice text, bool is_part, bool uppers, struct strbuf *out)
{
    bool space = false, begun = is_part;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ') {
            space = true;
            continue;
        }
        if (space && begun)
            (void)strbuf_char(out, ' '); /* overflow is tested at the end */
        space = false;
        begun = true;
        (void)strbuf_char(out, uppers ? upper(text.ptr[i]) : text.ptr[i]);
    }
    if (space && is_part)
        (void)strbuf_char(out, ' ');
}

static void
fold_text(bool is_part, struct slice value, struct strbuf *out)
{
    struct strbuf folded;

    if (is_ascii(value)) {
        squeeze(value, is_part, true, out);
        return;
    }
    folded = strbuf_new(FOLDED_MAX);
    if (casemap_text(value, &folded))
        squeeze(strbuf_slice(&folded), is_part, false, out);
    else
        out->overflow = true;
    strbuf_free(&folded);
}

static void
fold_phone(struct slice value, struct strbuf *out)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != ' ' && value.ptr[i] != '-')
            (void)strbuf_char(out, upper(value.ptr[i]));
}

/* "uid=a, ou=b" is "uid=a,ou=b" (RFC 4517 section 4.2.15, as far as one form of it is ours). */
static void
fold_dn(struct slice value, struct strbuf *out)
{
    struct strbuf text = strbuf_new(FOLDED_MAX);

    fold_text(false, value, &text);
    for (size_t i = 0; i < text.len; i++) {
        bool beside = (i > 0 && (text.ptr[i - 1] == ',' || text.ptr[i - 1] == '=')) ||
                      (i + 1 < text.len && (text.ptr[i + 1] == ',' || text.ptr[i + 1] == '='));

        if (text.ptr[i] != ' ' || !beside)
            (void)strbuf_char(out, text.ptr[i]);
    }
    out->overflow |= text.overflow;
    strbuf_free(&text);
}

bool
ldap_fold(enum ldap_match match, bool is_part, struct slice value, struct strbuf *out)
{
    switch (match) {
    case LDAP_MATCH_TEXT:
    case LDAP_MATCH_OID:
        fold_text(is_part, value, out);
        break;
    case LDAP_MATCH_PHONE:
        fold_phone(value, out);
        break;
    case LDAP_MATCH_DN:
        fold_dn(value, out);
        break;
    case LDAP_MATCH_TIME: /* so that a fraction of a second is behind the whole one */
        (void)strbuf_append(out, slice_ends(value, SLICE("Z")) ? slice_sub(value, 0, value.len - 1)
                                                               : value);
        break;
    case LDAP_MATCH_EXACT:
        (void)strbuf_append(out, value);
        break;
    }
    return !out->overflow;
}
