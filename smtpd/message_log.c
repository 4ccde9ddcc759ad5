/*
 * smtpd/message_log.c - what log lines say of a message that is not in its envelope as it stands.
 *
 * Input: header sections and addresses from clients; the log quotes what it is given.
 */
#include "smtpd/message_log.h"

#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/message_id.h"

enum { LOGGED_RCPTS_MAX = 900 }; /* bytes of recipients in a log line */

char *
message_log_id(struct slice section)
{
    struct strbuf id = strbuf_new(MESSAGE_ID_MAX);
    struct header_field field;

    if (header_find(section, "Message-ID", &field) && message_id_next(&field.body, &id))
        return strbuf_steal(&id);
    strbuf_free(&id);
    return NULL;
}

struct strbuf
message_log_recipients(const struct queue_envelope *e)
{
    struct strbuf to = strbuf_new(LOGGED_RCPTS_MAX);

    for (uint32_t i = 0; i < e->rcpt_count && to.len + ADDRESS_MAX + 1 < to.max; i++) {
        if (i > 0)
            (void)strbuf_char(&to, ','); /* fits, see above */
        (void)strbuf_append(&to, e->rcpts[i].address);
    }
    return to;
}
