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
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { PATHS_MAX = 20000, RESULT_MAX = ACCOUNTD_SERVICE_MAX + ACCOUNTD_RESULT_MAX + 2 };

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

/* ---- received: at the rate of deliveries, so what was found out is kept until the base changes
 * ---- */

enum listed { NOBODY, NOT_LISTED, LISTED };

struct doings {
    struct server *server;
    struct map *paths;    /* store path -> generation of the base, and enum listed */
    struct strbuf domain; /* of a sender: the last one that was looked up */
    uint64_t domain_generation;
    bool domain_is_ours;
};

struct doings *
doings_new(struct server *server)
{
    struct doings *doings = xcalloc(1, sizeof(*doings));

    doings->server = server;
    doings->paths = map_new(PATHS_MAX);
    doings->domain = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    return doings;
}

void
doings_free(struct doings **doingsp)
{
    if (*doingsp == NULL)
        return;
    map_free(&(*doingsp)->paths, NULL);
    strbuf_free(&(*doingsp)->domain);
    xfree(doingsp);
}

/* Bounces come from outside, or might as well. */
static bool
sender_is_ours(struct doings *doings, struct slice sender)
{
    struct server *server = doings->server;
    struct slice domain = slice_sub(sender, slice_rindex(sender, '@') + 1, sender.len);
    uint64_t generation = account_db_generation(server->base.db);
    struct strbuf name;

    if (slice_rindex(sender, '@') == sender.len)
        return false;
    if (slice_eq(domain, strbuf_slice(&doings->domain)) && generation == doings->domain_generation)
        return doings->domain_is_ours;
    name = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    strbuf_clear(&doings->domain);
    (void)strbuf_append(&doings->domain, domain); /* the decoder's limit is the buffer's */
    doings->domain_generation = generation;
    doings->domain_is_ours = account_find_domain(&server->base, domain, &server->second_hit.domain,
                                                 &name) == ACCOUNT_FOUND;
    strbuf_free(&name);
    return doings->domain_is_ours;
}

/* Whose mailbox is it? Only as long as the account base says that it is there. */
static enum listed
look_up(struct server *server, struct slice path)
{
    struct strbuf address = strbuf_new(ACCOUNTD_ADDRESS_MAX), real = strbuf_new(ACCOUNT_PATH_MAX);
    enum listed listed = NOBODY;

    if (account_path_address(path, &address) == 0 && find_user(server, strbuf_slice(&address))) {
        account_store_path(strbuf_slice(&server->hit.address), &real);
        if (slice_eq(strbuf_slice(&real), path))
            listed = record_bool(&server->hit.entry, USER_RECORD_RECEIVED) ? LISTED : NOT_LISTED;
    }
    strbuf_free(&address);
    strbuf_free(&real);
    return listed;
}

static enum listed
listed_at(struct doings *doings, struct slice path)
{
    uintptr_t generation = (uintptr_t)account_db_generation(doings->server->base.db) + 1;
    void **known = map_at(doings->paths, path);
    enum listed listed;

    if (known == NULL) { /* full */
        map_free(&doings->paths, NULL);
        doings->paths = map_new(PATHS_MAX);
        known = map_at(doings->paths, path);
    }
    if ((uintptr_t)*known / 4 == generation)
        return (enum listed)((uintptr_t)*known % 4);
    listed = look_up(doings->server, path);
    *known = (void *)(generation * 4 + listed); /* two numbers in the pointer's place */
    return listed;
}

struct delivered {
    struct doings *doings;
    struct accountd_delivery delivery;
};

static void
note_received(struct delivered *d, struct slice path)
{
    char path_text[ACCOUNT_PATH_MAX + 1];
    uint64_t figures[BOOK_FIGURES] = {0};
    struct recorder_note note = {.kind = BOOK_RECEIVED, .path = path_text, .figures = figures};
    enum listed listed = listed_at(d->doings, path);
    bool local;

    if (listed == NOBODY)
        return;
    local = sender_is_ours(d->doings, d->delivery.sender);
    figures[local ? BOOK_RECEIVED_LOCAL_MESSAGES : BOOK_RECEIVED_REMOTE_MESSAGES] = 1;
    figures[local ? BOOK_RECEIVED_LOCAL_BYTES : BOOK_RECEIVED_REMOTE_BYTES] = d->delivery.bytes;
    note.listed = listed == LISTED;
    note.entry = (struct book_entry){.time_ms = d->delivery.time_ms,
                                     .bytes = d->delivery.bytes,
                                     .local = local,
                                     .remote = !local,
                                     .what = d->delivery.sender,
                                     .result = d->delivery.queue_id};
    (void)snprintf(path_text, sizeof(path_text), "%.*s", (int)path.len, path.ptr); /* it fits */
    recorder_note(d->doings->server->recorder, &note);
}

static int
take_usage(void *arg, const struct accountd_usage *usage)
{
    struct delivered *d = arg;

    usage_set(d->doings->server->usage, usage->path, usage->bytes, usage->messages);
    if (usage->came)
        note_received(d, usage->path);
    return 0;
}

enum outcome
doings_request_usage(struct request *rq)
{
    struct delivered d = {.doings = rq->server->doings};

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
