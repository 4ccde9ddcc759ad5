/*
 * lib/mail/message_id.c - the message identifiers in a field.
 *
 * Input:  the body of a field. Untrusted: the sender wrote it. msg-id = [CFWS] "<" id-left "@"
 *         id-right ">" [CFWS]; comments inside the brackets are not taken for such.
 */
#include "lib/mail/message_id.h"

#include <string.h>

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* At the opening quote: the content of the quoted string goes to `id`. */
static bool
take_quoted(struct slice *text, struct strbuf *id)
{
    for (size_t i = 1; i < text->len; i++) {
        char c = text->ptr[i];

        if (c == '"') {
            *text = slice_sub(*text, i + 1, text->len);
            return true;
        }
        if (c == '\\' && i + 1 < text->len)
            c = text->ptr[++i];
        if (c == '\0')
            return false;
        if (c != '\r' && c != '\n' && !strbuf_char(id, c))
            return false;
    }
    return false;
}

/* Behind "<". False: no identifier begins there. */
static bool
take_id(struct slice text, struct slice *behind, struct strbuf *id)
{
    bool has_at = false;
    size_t left = 0;

    while (text.len > 0) {
        char c = text.ptr[0];

        if (c == '"' && !has_at) {
            if (!take_quoted(&text, id))
                return false;
            continue;
        }
        text = slice_sub(text, 1, text.len);
        if (c == '>') {
            *behind = text;
            return has_at && left > 0 && id->len > left + 1;
        }
        if (c == '<' || c == '\0')
            return false;
        if (c == '@' && !has_at) {
            has_at = true;
            left = id->len;
        }
        if (!is_space(c) && !strbuf_char(id, c))
            return false;
    }
    return false;
}

bool
message_id_next(struct slice *body, struct strbuf *id)
{
    while (body->len > 0) {
        const char *open = memchr(body->ptr, '<', body->len);
        struct slice behind;

        if (open == NULL)
            break;
        *body = slice_sub(*body, (size_t)(open - body->ptr) + 1, body->len);
        strbuf_clear(id);
        if (!take_id(*body, &behind, id))
            continue;
        *body = behind;
        return true;
    }
    *body = slice_sub(*body, body->len, body->len);
    return false;
}
