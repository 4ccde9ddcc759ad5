/*
 * imapd/mailbox_name.c - folder names in responses, and the patterns of LIST.
 */
#include "imapd/mailbox_name.h"

#include "lib/mail/imap_string.h"
#include "lib/mail/imap_utf7.h"
#include "lib/mail/utf8.h"

enum { UTF7_MAX = 4096 /* bytes; the store's names are far shorter */ };

bool
mailbox_name_allowed(struct slice utf8)
{
    uint32_t code;

    while (utf8_next(&utf8, &code))
        if ((code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029)
            return false;
    return true;
}

void
mailbox_name_write(struct slice utf8, bool as_utf8, struct strbuf *out)
{
    struct strbuf utf7 = strbuf_new(UTF7_MAX);

    if (as_utf8) {
        imap_astring_utf8(utf8, out);
        return;
    }
    (void)imap_utf7_encode(utf8, &utf7); /* a name of the store is valid and fits */
    imap_astring(strbuf_slice(&utf7), out);
    strbuf_free(&utf7);
}

/* Where to go on when the text does not fit: behind a wildcard, one more character taken by it. */
struct retry {
    size_t pattern, name;
    bool set;
};

static bool
same(char a, char b, bool nocase)
{
    return nocase ? slice_eq_nocase(slice_make(&a, 1), slice_make(&b, 1)) : a == b;
}

/* Steps back to the last '%', if it may take one more character, or else to the last '*'. Going
 * back further finds nothing new: what an earlier wildcard could take instead, the last one can. */
static bool
step_back(struct slice name, struct retry *percent, struct retry *star, size_t *p, size_t *n)
{
    struct retry *r = percent;

    if (!percent->set || percent->name >= name.len || name.ptr[percent->name] == '/') {
        percent->set = false;
        r = star;
    }
    if (!r->set || r->name >= name.len)
        return false;
    r->name++;
    *p = r->pattern;
    *n = r->name;
    return true;
}

bool
mailbox_name_match(struct slice name, struct slice pattern)
{
    struct retry percent = {.set = false}, star = {.set = false};
    bool inbox = slice_eq(slice_sub(name, 0, slice_index(name, '/')), SLICE("INBOX"));
    size_t p = 0, n = 0;

    if (pattern.len > MAILBOX_PATTERN_MAX)
        return false;
    while (n < name.len || p < pattern.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = (struct retry){++p, n, true};
            percent.set = false;
        } else if (p < pattern.len && pattern.ptr[p] == '%') {
            percent = (struct retry){++p, n, true};
        } else if (p < pattern.len && n < name.len &&
                   same(pattern.ptr[p], name.ptr[n], inbox && n < 5)) {
            p++;
            n++;
        } else if (!step_back(name, &percent, &star, &p, &n)) {
            return false;
        }
    }
    return true;
}
