/*
 * local-deliver/events.c - tells alertd of new mail.
 */
#include "local-deliver/events.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

enum { AGAIN_MS = 200 };

void
events_init(struct events *events, const struct daemon *d)
{
    *events = (struct events){.daemon = d,
                              .fd = -1,
                              .wanted = conf_str(d->conf, PUSH_URL)[0] != '\0',
                              .sent = stats_counter(d->stats, "events"),
                              .dropped = stats_counter(d->stats, "events_dropped")};
}

/* The socket comes with alertd, which may be started after us, or anew. */
static void
connect_again(struct events *events)
{
    int64_t now = clock_mono_ms();

    if (now < events->not_before_ms)
        return;
    events->not_before_ms = now + AGAIN_MS;
    events->fd = ipc_socket_connect_datagram(events->daemon->run_dirfd, EVENT_SOCKET);
    if (events->fd < 0)
        log_event(LOG_DEBUG, "backend_away", KV_STR("socket", EVENT_SOCKET), KV_ERRNO());
}

/* PUSH_USERS: addresses, and "@domain" for all of a domain; none: everybody. */
static bool
is_wanted(const struct events *events, struct slice user)
{
    const struct conf *conf = events->daemon->conf;
    struct slice domain = slice_sub(user, slice_rindex(user, '@'), user.len);
    size_t count = conf_list_count(conf, PUSH_USERS);

    for (size_t i = 0; i < count; i++) {
        struct slice item = slice_of(conf_list_item(conf, PUSH_USERS, i));

        if (slice_eq_nocase(item, user) || slice_eq_nocase(item, domain))
            return true;
    }
    return count == 0;
}

/* False: it could not be sent. */
static bool
send_it(struct events *events, struct slice datagram)
{
    ssize_t n;

    if (events->fd < 0)
        connect_again(events);
    if (events->fd < 0)
        return false;
    n = send(events->fd, datagram.ptr, datagram.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EMSGSIZE) { /* nobody has the socket any more */
        (void)close(events->fd);
        events->fd = -1;
    }
    return n == (ssize_t)datagram.len;
}

void
events_tell(struct events *events, const struct event *event)
{
    struct strbuf out = strbuf_new(EVENT_DATAGRAM_MAX);
    bool sent;

    if (!events->wanted || !is_wanted(events, event->user))
        return;
    sent = event_encode(&out, event) == 0 &&
           (send_it(events, strbuf_slice(&out)) ||
            (events->fd < 0 && send_it(events, strbuf_slice(&out)))); /* a new socket is there */
    stats_add(sent ? events->sent : events->dropped, 1);
    strbuf_free(&out);
}
