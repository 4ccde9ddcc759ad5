/*
 * accountd/doings.c - what users did goes to the recorder.
 *
 * Input: reports of smtpd, local-deliver and authd, untrusted: they name users and paths, and only
 * one who is there gets an entry.
 */
#include "accountd/doings.h"

#include <stdio.h>

#include "accountd/recorder.h"
#include "accountd/usage.h"
#include "lib/account/store_path.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { RESULT_MAX = ACCOUNTD_SERVICE_MAX + ACCOUNTD_RESULT_MAX + 2 };

/* The user's entry in server->hit. */
static bool
find_user(struct server *server, struct slice address)
{
    return account_find_exact(&server->base, address, &server->hit) == ACCOUNT_FOUND &&
           server->hit.entry.kind == ACCOUNT_USER;
}

/* Of the user in server->hit. */
static void
record(struct server *server, struct recorder_note *note)
{
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);

    account_store_path(strbuf_slice(&server->hit.address), &path);
    note->path = strbuf_cstr(&path);
    recorder_note(server->recorder, note);
    strbuf_free(&path);
}

/* ---- sent ---- */

static void
count_sent(const struct accountd_sent *sent, uint64_t figures[BOOK_FIGURES])
{
    figures[BOOK_SENT_LOCAL_MESSAGES] = sent->local_rcpts > 0;
    figures[BOOK_SENT_LOCAL_RCPTS] = sent->local_rcpts;
    figures[BOOK_SENT_LOCAL_BYTES] = sent->local_rcpts > 0 ? sent->bytes : 0;
    figures[BOOK_SENT_REMOTE_MESSAGES] = sent->remote_rcpts > 0;
    figures[BOOK_SENT_REMOTE_RCPTS] = sent->remote_rcpts;
    figures[BOOK_SENT_REMOTE_BYTES] = sent->remote_rcpts > 0 ? sent->bytes : 0;
}

enum outcome
doings_request_sent(struct request *rq)
{
    uint64_t figures[BOOK_FIGURES] = {0};
    struct recorder_note note = {.kind = BOOK_SENT};
    struct accountd_sent sent;

    if (accountd_sent_decode(rq->payload, &sent) < 0)
        return REQUEST_BAD;
    if (!find_user(rq->server, sent.auth_user))
        return REQUEST_DONE;
    if (sent.accepted) {
        count_sent(&sent, figures);
        note.figures = figures;
    }
    note.listed = record_bool(&rq->server->hit.entry, USER_RECORD_SENT);
    note.entry = (struct book_entry){.time_ms = sent.time_ms,
                                     .bytes = sent.bytes,
                                     .local = sent.local_rcpts,
                                     .remote = sent.remote_rcpts,
                                     .client = sent.client_ip,
                                     .what = sent.recipients,
                                     .result = sent.result};
    record(rq->server, &note);
    return REQUEST_DONE;
}

/* ---- received ---- */

struct delivered {
    struct server *server;
    struct accountd_delivery delivery;
    bool judged, is_local; /* where the sender is */
};

/* Bounces come from outside, or might as well. */
static bool
sender_is_local(struct delivered *d)
{
    struct slice sender = d->delivery.sender;
    size_t at = slice_rindex(sender, '@');
    struct strbuf name = strbuf_new(ACCOUNTD_ADDRESS_MAX);

    if (!d->judged)
        d->is_local = at < sender.len &&
                      account_find_domain(&d->server->base, slice_sub(sender, at + 1, sender.len),
                                          &d->server->second_hit.domain, &name) == ACCOUNT_FOUND;
    d->judged = true;
    strbuf_free(&name);
    return d->is_local;
}

/* The mailbox behind a path of the store, as long as the account base says that it is there. */
static bool
find_by_path(struct server *server, struct slice path)
{
    struct strbuf address = strbuf_new(ACCOUNTD_ADDRESS_MAX), real = strbuf_new(ACCOUNT_PATH_MAX);
    bool found =
        account_path_address(path, &address) == 0 && find_user(server, strbuf_slice(&address));

    if (found) {
        account_store_path(strbuf_slice(&server->hit.address), &real);
        found = slice_eq(strbuf_slice(&real), path);
    }
    strbuf_free(&address);
    strbuf_free(&real);
    return found;
}

static void
note_received(struct delivered *d, struct slice path)
{
    uint64_t figures[BOOK_FIGURES] = {0};
    struct recorder_note note = {.kind = BOOK_RECEIVED, .figures = figures};
    bool local;

    if (!find_by_path(d->server, path))
        return;
    local = sender_is_local(d);
    figures[local ? BOOK_RECEIVED_LOCAL_MESSAGES : BOOK_RECEIVED_REMOTE_MESSAGES] = 1;
    figures[local ? BOOK_RECEIVED_LOCAL_BYTES : BOOK_RECEIVED_REMOTE_BYTES] = d->delivery.bytes;
    note.listed = record_bool(&d->server->hit.entry, USER_RECORD_RECEIVED);
    note.entry = (struct book_entry){.time_ms = d->delivery.time_ms,
                                     .bytes = d->delivery.bytes,
                                     .local = local,
                                     .remote = !local,
                                     .what = d->delivery.sender,
                                     .result = d->delivery.queue_id};
    record(d->server, &note);
}

static int
take_usage(void *arg, const struct accountd_usage *usage)
{
    struct delivered *d = arg;

    usage_set(d->server->usage, usage->path, usage->bytes, usage->messages);
    if (usage->came)
        note_received(d, usage->path);
    return 0;
}

enum outcome
doings_request_usage(struct request *rq)
{
    struct delivered d = {.server = rq->server};

    return accountd_usage_decode(rq->payload, &d.delivery, take_usage, &d) < 0 ? REQUEST_BAD
                                                                               : REQUEST_DONE;
}

/* ---- deleted, logins ---- */

void
doings_removal(struct server *server, const struct accountd_removal *removal)
{
    struct recorder_note note = {.kind = BOOK_DELETED, .listed = true};

    if (!find_user(server, removal->user) || !record_bool(&server->hit.entry, USER_RECORD_DELETED))
        return;
    note.entry = (struct book_entry){.time_ms = removal->time_ms,
                                     .bytes = removal->bytes,
                                     .local = removal->messages,
                                     .client = removal->client_ip,
                                     .what = removal->folder,
                                     .result = removal->service};
    record(server, &note);
}

void
doings_visit(struct server *server, const struct accountd_visit *visit)
{
    uint64_t figures[BOOK_FIGURES] = {[BOOK_SMTP_LOGINS] = 1};
    bool counts = visit->good && slice_eq(visit->service, SLICE("smtp"));
    struct recorder_note note = {.kind = visit->good ? BOOK_LOGIN : BOOK_REFUSED,
                                 .listed = true,
                                 .figures = counts ? figures : NULL};
    char result[RESULT_MAX];

    if (!find_user(server, visit->user))
        return;
    (void)snprintf(result, sizeof(result), "%.*s %.*s", (int)visit->service.len, visit->service.ptr,
                   (int)visit->result.len, visit->result.ptr); /* the decoder's limits fit */
    note.entry = (struct book_entry){.time_ms = visit->time_ms,
                                     .client = visit->client_ip,
                                     .what = visit->location,
                                     .result = slice_of(result)};
    record(server, &note);
}
