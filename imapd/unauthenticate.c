/*
 * imapd/unauthenticate.c - UNAUTHENTICATE (RFC 8437): the connection goes on with another user, in
 * another process.
 *
 * A process that has been confined to one user's directories can never open another's. So a fresh
 * worker serves who logs in next (lib/sys/pool.h). Without TLS it gets the client's socket, and
 * this process ends. The state of TLS can't leave the process that has it: that one drops all it
 * has of its user, gives up all but its two sockets, and carries bytes from then on. Nothing of a
 * session survives in the successor but what struct pool_carried holds.
 */
#include "imapd/unauthenticate.h"

#include <stdio.h>
#include <unistd.h>

#include "imapd/capability.h"
#include "imapd/command.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/sys/heap.h"
#include "lib/sys/session_table.h"
#include "lib/tls/relay.h"

static struct pool_carried
carried_of(const struct session *s)
{
    struct pool_carried c = {.login_failures = s->login_failures};

    if (!s->tls_started)
        return c;
    (void)snprintf(c.tls, sizeof(c.tls), "%s", session_tls_version(s));
    c.bound = session_channel_binding(s, c.binding);
    return c;
}

/* RFC 8437 section 3: there is no NO. */
static struct reply
give_up(struct session *s, const char *why)
{
    session_bye(s, why);
    return (struct reply){.kind = REPLY_SENT};
}

struct reply
unauthenticate_unauthenticate(struct session *s, struct parser *p, unsigned flags)
{
    struct pool_carried carried;

    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    if (!s->server->settings.unauthenticate)
        return reply_bad("UNAUTHENTICATE is switched off");
    session_leave_user(s); /* what the user has changed is on disk before the OK */
    /* Section 4.1: the client's compression ends behind the command. */
    if (s->compression == COMPRESSION_ON && stream_has_input(s->stream))
        return give_up(s, "Compressed data behind UNAUTHENTICATE");
    carried = carried_of(s);
    s->successor_fd = pool_session_succeed(s->pool, &carried, stream_tls(s->stream) != NULL);
    if (s->successor_fd < 0)
        return give_up(s, "[UNAVAILABLE] Connect again");
    s->state = STATE_NOT_AUTHENTICATED;
    s->commands_before_login = 0;
    capability_write(s, &s->code);
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), "No user is logged in"};
}

/* What the allocator has of the user goes back to the kernel, as far as whole pages are free. */
static void
forget(struct session *s)
{
    arena_free(&s->arena);
    mem_wipe(s->command.ptr, s->command.cap);
    mem_wipe(s->out.ptr, s->out.cap);
    mem_wipe(s->code.ptr, s->code.cap);
    strbuf_free(&s->command);
    strbuf_free(&s->out);
    strbuf_free(&s->code);
    stream_release_buffers(s->stream);
    heap_give_back();
}

static void
become_relay(struct session *s)
{
    const int keep[] = {stream_fd(s->stream), s->successor_fd, s->pool->daemon->log_fd,
                        s->pool->end_fd};

    forget(s);
    stats_process_state(s->pool->daemon->stats, "relay");
    session_table_end(); /* its successor is the session */
    ipc_client_free(&s->pool->auth);
    log_flush();
    if (sandbox_keep_only(keep, ARRAY_LEN(keep)) < 0)
        return; /* it is logged; the successor ends with its socket */
    relay_run(s->stream, s->successor_fd);
}

void
unauthenticate_hand_over(struct session *s)
{
    if (s->compression == COMPRESSION_ON && stream_end_codec(s->stream) < 0)
        goto out;
    if (stream_flush(s->stream) != STREAM_OK) /* the OK leaves */
        goto out;
    if (stream_tls(s->stream) != NULL) {
        become_relay(s);
    } else {
        (void)pool_ahead_send(s->successor_fd, stream_unread_input(s->stream)); /* or both end */
        s->successor_fd = -1;
    }
out:
    if (s->successor_fd >= 0)
        (void)close(s->successor_fd);
    s->successor_fd = -1;
}

bool
unauthenticate_take_over(struct session *s)
{
    char ahead[SESSION_INPUT_BUFFER];
    ssize_t len = 0;

    s->tls_started = s->pool->carried.tls[0] != '\0';
    s->login_failures = s->pool->carried.login_failures;
    if (s->pool->ahead_fd < 0)
        return true;
    len = pool_ahead_receive(s->pool->ahead_fd, ahead, sizeof(ahead), s->login_deadline);
    if (len > 0)
        stream_preload(s->stream, slice_make(ahead, (size_t)len));
    mem_wipe(ahead, sizeof(ahead));
    return len >= 0;
}
