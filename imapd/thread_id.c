/*
 * imapd/thread_id.c - THREADID: which messages belong together.
 *
 * A hash of the identifier that a conversation began with: the first reference, or the message's
 * own Message-ID if it refers to none; of its email id if it has neither. It depends on the message
 * alone, so it never changes, is the same for all copies, and costs a delivery nothing. Messages
 * whose programs cut the beginning off their references are another thread, and nothing is joined
 * by subject: a guess could not be taken back.
 */
#include "imapd/thread_id.h"

#include <errno.h>
#include <stdio.h>

#include "imapd/sort_data.h"
#include "lib/auth/digest.h"

enum { BYTES = 16 /* of the digest: enough that nobody meets another thread's by chance */ };

static void
write_id(struct slice what, struct slice id, char out[THREAD_ID_SIZE])
{
    unsigned char digest[DIGEST_MAX];

    digest_of(DIGEST_SHA256, what, id, digest);
    out[0] = 'T';
    for (size_t i = 0; i < BYTES; i++)
        (void)snprintf(out + 1 + 2 * i, 3, "%02x", digest[i]);
}

int
thread_id_of(struct mailbox *mb, uint32_t seq, struct message_data *data, char out[THREAD_ID_SIZE])
{
    struct sort_reader reader = sort_reader_begin(mb, data);
    struct message_facts facts;
    struct slice ids, own = SLICE(""), first = SLICE("");
    int rc = sort_data_ids(&reader, seq, &ids) ? 0 : -1;

    if (rc == 0 && sort_text_ids_next(&ids, &own) && !sort_text_ids_next(&ids, &first))
        first = own;
    if (rc == 0 && first.len > 0)
        write_id(SLICE("message "), first, out);
    else if (rc == 0)
        rc = mailbox_message_facts(mb, seq, &facts);
    if (rc == 0 && first.len == 0)
        write_id(SLICE("email "), slice_of(facts.email_id), out);
    sort_reader_end(&reader);
    return rc;
}
