/*
 * smtpd/atrn.c - ATRN (RFC 2645): a customer asks for the mail that waits for its domains, and the
 * roles on its connection reverse.
 *
 * Who the customer is, and with it what mail it may have, authd says to queue-manager: a session
 * can ask for nothing else, whoever has taken it over. In clear text the agent that sends the mail
 * gets the client's socket, and this process is done with it. The state of TLS cannot leave the
 * process that has it, so this one gives up all but the client, the agent's socket, the log's and
 * the parent's, and carries bytes from then on.
 *
 * Input: a command line from the network. Untrusted.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/ipc/client.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/sys/heap.h"
#include "lib/tls/relay.h"
#include "smtpd/command.h"

enum { ASK_TIMEOUT_MS = 30000 };

/* domain *("," domain), each with a dot in it (RFC 2645 section 5.2.1); or nothing. */
static bool
is_list(struct slice args)
{
    struct slice rest = args;

    if (args.len > QUEUE_DOMAINS_MAX || slice_ends(args, SLICE(",")))
        return false;
    while (rest.len > 0) {
        struct slice domain = slice_split(&rest, ',');

        if (!address_is_domain(domain, false) || slice_index(domain, '.') == domain.len)
            return false;
    }
    return true;
}

/* Asks for the mail of `domains`, to be sent over `fd`. The code of the reply, whose text is in
 * `text`. */
static unsigned
ask(struct session *s, struct slice domains, int fd, struct strbuf *text)
{
    int way = authd_call_customer(s->pool->auth), rc = -1;
    struct ipc_client *queue = way < 0 ? NULL : ipc_client_adopt(way, QUEUE_PAYLOAD_MAX);
    struct strbuf frame = strbuf_new(QUEUE_DOMAINS_MAX + FRAME_HEADER + 8);
    struct queue_fetch_reply reply;
    struct ipc_reply answer = {.fd = -1};

    if (queue != NULL && queue_fetch_encode(&frame, domains) == 0)
        rc = ipc_client_call(queue, &frame, fd, ASK_TIMEOUT_MS, &answer);
    strbuf_free(&frame);
    close_keep_errno(answer.fd);
    if (rc < 0 || answer.type != QUEUE_FETCH_REPLY ||
        queue_fetch_reply_decode(answer.payload, &reply) < 0)
        reply = (struct queue_fetch_reply){451, SLICE("the queue cannot be asked now")};
    (void)strbuf_append(text, reply.text); /* it fits */
    ipc_client_free(&queue);
    return reply.code;
}

static const char *
dsn_of(unsigned code)
{
    static const struct {
        unsigned code;
        const char *dsn;
    } table[] = {{250, "2.0.0"}, {450, "4.7.1"}, {453, "4.2.0"}};

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].code == code)
            return table[i].dsn;
    return "4.3.0";
}

/* The reply has to be out before anything else goes by this connection. */
static void
reverse(struct session *s, int relay_fd, const char *text)
{
    session_reply(s, 250, dsn_of(250), "%s", text);
    (void)stream_flush(s->stream); /* a client that has gone is the agent's to find out */
    s->closing = true;
    s->relay_fd = relay_fd;
    s->messages++; /* as good as a message: the client has shown that it is honest */
}

static enum session_state
turn(struct session *s, struct slice domains)
{
    struct strbuf text = strbuf_new(QUEUE_TEXT_MAX + 1);
    int ends[2] = {-1, -1};
    bool relay = stream_tls(s->stream) != NULL;
    unsigned code = 451;

    if (!relay || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
        code = ask(s, domains, relay ? ends[1] : stream_fd(s->stream), &text);
    close_keep_errno(ends[1]);
    log_event(LOG_INFO, "atrn", KV_STR("user", s->auth_user), KV_SLICE("domains", domains),
              KV_U64("code", code), KV_STR("reason", strbuf_cstr(&text)));
    if (code == 250) {
        reverse(s, ends[0], strbuf_cstr(&text));
    } else {
        close_keep_errno(ends[0]);
        session_error(s, code, dsn_of(code), "%s", strbuf_cstr(&text));
    }
    strbuf_free(&text);
    return s->state;
}

enum session_state
atrn_run(struct session *s, struct slice args)
{
    if (!is_list(args)) {
        session_error(s, 501, "5.5.4", "syntax: ATRN [domain,...]");
        return s->state;
    }
    if (stream_has_input(s->stream)) { /* it would be the agent's to read, which comes after us */
        session_error(s, 503, "5.5.1", "ATRN: you went on before the reply");
        s->closing = true;
        return s->state;
    }
    return turn(s, args);
}

void
atrn_carry(struct session *s)
{
    const int keep[] = {stream_fd(s->stream), s->relay_fd, s->pool->daemon->log_fd,
                        s->pool->end_fd};

    stats_process_state(s->pool->daemon->stats, "relay");
    ipc_client_free(&s->pool->auth);
    ipc_client_free(&s->pool->backend);
    ipc_client_free(&s->pool->filter);
    stream_release_buffers(s->stream);
    heap_give_back();
    log_flush();
    if (sandbox_keep_only(keep, ARRAY_LEN(keep)) == 0) /* else it is logged, and all ends here */
        relay_run(s->stream, s->relay_fd);
    (void)close(s->relay_fd);
    s->relay_fd = -1;
}
