/*
 * lib/mail/imap_rights.c - rights on a folder: the letters of RFC 4314 section 2.1 as bits.
 *
 * Input:  letters that a client sends. Untrusted. No I/O.
 */
#include "lib/mail/imap_rights.h"

#include <string.h>

/* What the rights "c" and "d" of RFC 2086 are now (section 2.1.1). */
#define OLD_CREATE ((uint32_t)(RIGHT_CREATE | RIGHT_DELETE_FOLDER))
#define OLD_DELETE ((uint32_t)(RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE))

static const char letters_of[] = "lrswipkxtea"; /* bit i is letter i */

void
imap_rights_write(uint32_t rights, struct strbuf *out)
{
    for (unsigned i = 0; i < sizeof(letters_of) - 1; i++)
        if ((rights & 1u << i) != 0)
            (void)strbuf_char(out, letters_of[i]); /* overflow is remembered */
}

void
imap_rights_write_answer(uint32_t rights, struct strbuf *out)
{
    imap_rights_write(rights, out);
    if ((rights & OLD_CREATE) != 0)
        (void)strbuf_char(out, 'c');
    if ((rights & OLD_DELETE) != 0)
        (void)strbuf_char(out, 'd');
}

void
imap_rights_write_grantable(uint32_t rights, struct strbuf *out)
{
    for (unsigned i = 0; i < sizeof(letters_of) - 1; i++)
        if ((rights & 1u << i) != 0) {
            (void)strbuf_char(out, ' '); /* overflow is remembered */
            (void)strbuf_char(out, letters_of[i]);
        }
    if ((rights & OLD_CREATE) != 0)
        (void)strbuf_str(out, " c");
    if ((rights & OLD_DELETE) != 0)
        (void)strbuf_str(out, " d");
}

int
imap_rights_parse(struct slice letters, uint32_t *rights)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < letters.len; i++) {
        char c = letters.ptr[i];
        const char *at = c == '\0' ? NULL : strchr(letters_of, c);

        if (at != NULL)
            sum |= 1u << (at - letters_of);
        else if (c == 'c')
            sum |= OLD_CREATE;
        else if (c == 'd')
            sum |= OLD_DELETE;
        else
            return -1;
    }
    *rights = sum;
    return 0;
}

int
imap_rights_parse_change(struct slice text, enum rights_change *change, uint32_t *rights)
{
    *change = RIGHTS_SET;
    if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-')) {
        *change = text.ptr[0] == '+' ? RIGHTS_ADD : RIGHTS_REMOVE;
        text = slice_sub(text, 1, text.len);
    }
    return imap_rights_parse(text, rights);
}
