/*
 * authd/visits.c - tells accountd of logins to mailboxes, and of what was removed there.
 *
 * Reports are gathered for a moment, and one is under way at a time: a flood of logins is some
 * messages a second. What comes while accountd is away and finds no room is lost, and counted.
 */
#include "authd/visits.h"

#include "authd/guard.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_doings.h"
#include "lib/log/log.h"

enum { GATHER_MS = 200, TIMEOUT_MS = 30000, REPORT_BYTES_MAX = 512 * 1024, ITEM_MAX = 4096 };

struct visits {
    struct server *server;
    struct loop_timer *timer;
    struct strbuf frame; /* the report that is gathered */
    struct writer writer;
    unsigned count; /* in it */
    bool under_way; /* the one before */
    _Atomic uint64_t *told, *lost;
};

static void
begin(struct visits *visits)
{
    visits->writer = accountd_visits_begin(&visits->frame);
    visits->count = 0;
}

static void send_report(struct visits *visits);

static void
reported(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct visits *visits = arg;

    (void)payload;
    close_keep_errno(fd);
    visits->under_way = false;
    if (header == NULL || header->type != ACCOUNTD_OK)
        log_event(LOG_WARN, "logins_not_reported", KV_STR("reason", "accountd does not answer"));
    if (visits->count > 0)
        send_report(visits);
    else if (server_is_drained(visits->server))
        loop_stop(visits->server->loop);
}

static void
send_report(struct visits *visits)
{
    if (visits->under_way || visits->count == 0)
        return;
    assert_always(accountd_visits_end(&visits->writer) == 0); /* visits_note leaves room */
    stats_add(visits->told, visits->count);
    visits->under_way = true;
    ipc_async_call(visits->server->accounts, &visits->frame, TIMEOUT_MS, reported, visits);
    strbuf_clear(&visits->frame);
    begin(visits);
}

static void
gathered(void *arg)
{
    send_report(arg);
}

static bool
has_room(struct visits *visits)
{
    if (visits->count < ACCOUNTD_DOINGS_MAX && visits->frame.len + ITEM_MAX <= REPORT_BYTES_MAX)
        return true;
    stats_add(visits->lost, 1);
    return false;
}

static void
added(struct visits *visits)
{
    visits->count++;
    if (visits->count == 1)
        loop_timer_set(visits->timer, GATHER_MS);
    else if (visits->count == ACCOUNTD_DOINGS_MAX / 2)
        send_report(visits);
}

void
visits_note(struct session *s, bool good, const char *result)
{
    struct visits *visits = s->server->visits;
    const struct accountd_visit visit = {.user = slice_of(s->account.user),
                                         .service = slice_of(session_service_name(s)),
                                         .client_ip = slice_of(s->client_ip),
                                         .location = slice_of(guard_location(s)),
                                         .result = slice_of(result),
                                         .good = good,
                                         .time_ms = clock_real_ms()};

    if (visits == NULL || s->service == SERVICE_ADMIN || s->account.record == NULL)
        return;
    if (!has_room(visits))
        return;
    accountd_visits_add(&visits->writer, &visit);
    added(visits);
}

/* What a session says of itself: nobody else is in it. */
int
visits_removed(struct session *s, struct slice payload)
{
    struct visits *visits = s->server->visits;
    struct authd_removed removed;

    if (s->user == NULL || (s->service != SERVICE_IMAP && s->service != SERVICE_POP3) ||
        authd_removed_decode(payload, &removed) < 0)
        return -1;
    if (!has_room(visits))
        return 0;
    accountd_visits_add_removal(
        &visits->writer, &(struct accountd_removal){.user = slice_of(s->user),
                                                    .service = slice_of(session_service_name(s)),
                                                    .client_ip = slice_of(s->client_ip),
                                                    .folder = removed.folder,
                                                    .messages = removed.messages,
                                                    .bytes = removed.bytes,
                                                    .time_ms = clock_real_ms()});
    added(visits);
    return 0;
}

bool
visits_are_told(const struct visits *visits)
{
    return visits == NULL || (visits->count == 0 && !visits->under_way);
}

struct visits *
visits_new(struct server *server, const struct daemon *d)
{
    struct visits *visits = xcalloc(1, sizeof(*visits));

    visits->server = server;
    visits->timer = loop_timer_new(server->loop, gathered, visits);
    visits->frame = strbuf_new(REPORT_BYTES_MAX);
    visits->told = stats_counter(d->stats, "logins_reported");
    visits->lost = stats_counter(d->stats, "logins_not_reported");
    begin(visits);
    return visits;
}

void
visits_free(struct visits **visitsp)
{
    if (*visitsp == NULL)
        return;
    loop_timer_free(&(*visitsp)->timer);
    strbuf_free(&(*visitsp)->frame);
    xfree(visitsp);
}
