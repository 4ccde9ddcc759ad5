/*
 * accountd/auto_reply.c - what a user's automatic reply says, and whether it is wanted (DIR-34).
 *
 * The addresses are what a stranger wrote into a header: each is looked up, and one that belongs to
 * the user, as a mailbox, an alias or with a tag, makes the mail one that was meant for the user
 * (RFC 3834 section 2).
 */
#include "accountd/auto_reply.h"

#include "lib/base/clock.h"

#define REPLY_MAX 16384

/* What the address leads to goes to server->second_hit. */
static bool
belongs_to(struct server *server, struct slice address, struct slice user)
{
    struct account_hit *hit = &server->second_hit;

    if (account_find(&server->base, address, hit) != ACCOUNT_FOUND)
        return false;
    if (hit->entry.kind == ACCOUNT_ALIAS)
        return slice_eq(record_get(&hit->entry, ALIAS_TARGET), user);
    return hit->entry.kind == ACCOUNT_USER && slice_eq(strbuf_slice(&hit->address), user);
}

static bool
is_named(struct server *server, const struct accountd_auto_reply *question)
{
    struct slice rest = question->named;

    while (rest.len > 0)
        if (belongs_to(server, slice_split(&rest, '\n'), question->user))
            return true;
    return false;
}

enum outcome
auto_reply_request(struct request *rq)
{
    struct server *server = rq->server;
    const struct record *user = &server->hit.entry;
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct accountd_auto_reply_reply reply = {.wanted = false};
    struct accountd_auto_reply question;

    if (accountd_auto_reply_decode(rq->payload, &question) < 0) {
        strbuf_free(&out);
        return REQUEST_BAD;
    }
    if (account_find_exact(&server->base, question.user, &server->hit) == ACCOUNT_FOUND &&
        user->kind == ACCOUNT_USER && account_user_replies(user, clock_real_ms()) &&
        is_named(server, &question))
        reply = (struct accountd_auto_reply_reply){
            .wanted = true,
            .full_name = record_get(user, USER_FULL_NAME),
            .text = record_get(user, USER_AUTO_REPLY_TEXT),
            .until = record_get(user, USER_AUTO_REPLY_UNTIL),
        };
    (void)accountd_auto_reply_reply_encode(&out, rq->header.request_id, &reply); /* it fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}
