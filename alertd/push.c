/*
 * alertd/push.c - posts a notice of each event to a URL.
 *
 * Input: datagrams of local-deliver's, known by its user, as the kernel tells; checked all the
 * same. Addresses in them are strangers' words: they are written as the format has it. A bounded
 * number of notices waits in memory; what finds no place, and what cannot be told in a while, is
 * counted and lost: a notice is no message.
 */
#include "alertd/push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/ipc/event.h"
#include "lib/log/log.h"
#include "lib/mail/template.h"

enum {
    NOTICES_MAX = 1000,
    CHILDREN_MAX = 4,
    ATTEMPTS_MAX = 5,
    RETRY_MS = 5000, /* doubles */
    BODY_MAX = 65536,
    VALUE_MAX = 8192,
    PER_TURN = 64,
    REASON_MAX = 200
};

struct notice {
    struct hook hook; /* the first member: what the child works on */
    TAILQ_ENTRY(notice) link;
    struct push *push;
    char *body;
    unsigned attempts;
    int64_t not_before_ms;
    struct one_shot *child; /* NULL: it waits */
};

enum format { FORMAT_JSON, FORMAT_XML, FORMAT_FORM };

struct push {
    struct daemon *daemon;
    const struct hook_options *hook;
    int fd;
    uid_t from_uid;
    enum format format;
    char *wording; /* with @NAME@ */
    struct loop_fd *watch;
    struct loop_timer *timer;
    TAILQ_HEAD(notice_list, notice) notices;
    size_t count, children;
    _Atomic uint64_t *sent, *lost;
};

static const struct {
    const char *name, *type, *wording;
} formats[] = {
    [FORMAT_JSON] = {"json", "application/json",
                     "{\"event\": \"@event@\", \"host\": \"@host@\", \"time\": \"@time@\", "
                     "\"user\": \"@user@\", \"sender\": \"@sender@\", "
                     "\"queue_id\": \"@queue_id@\", \"size\": @size@}"},
    [FORMAT_XML] = {"xml", "application/xml",
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><notice><event>@event@</event>"
                    "<host>@host@</host><time>@time@</time><user>@user@</user>"
                    "<sender>@sender@</sender><queue_id>@queue_id@</queue_id>"
                    "<size>@size@</size></notice>"},
    [FORMAT_FORM] = {"form", "application/x-www-form-urlencoded",
                     "event=@event@&host=@host@&time=@time@&user=@user@&sender=@sender@&"
                     "queue_id=@queue_id@&size=@size@"},
};

/* ---- words ---- */

static void
put_json(struct slice value, struct strbuf *out)
{
    struct strbuf quoted = strbuf_new(VALUE_MAX);

    json_quote(&quoted, value);
    if (quoted.len >= 2)
        (void)strbuf_append(out, slice_sub(strbuf_slice(&quoted), 1, quoted.len - 1));
    strbuf_free(&quoted);
}

static void
put_xml(struct slice value, struct strbuf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            (void)strbuf_printf(out, "&#%u;", c);
        else
            (void)strbuf_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
}

static void
put_form(struct slice value, struct strbuf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_')
            (void)strbuf_char(out, (char)c);
        else
            (void)strbuf_printf(out, "%%%02X", c);
    }
}

/* What overflows is the whole body's trouble. */
static void
put_value(enum format format, struct slice value, struct strbuf *out)
{
    static void (*const put[])(struct slice value, struct strbuf * out) = {
        [FORMAT_JSON] = put_json, [FORMAT_XML] = put_xml, [FORMAT_FORM] = put_form};

    put[format](value, out);
}

/* The body, to free; NULL: it is too long. */
static char *
compose(const struct push *p, const struct event *e)
{
    struct strbuf time = strbuf_new(40), size = strbuf_new(24), body = strbuf_new(BODY_MAX);
    const struct {
        const char *name;
        struct slice value;
    } given[] = {
        {"event", SLICE("delivered")},
        {"host", slice_of(conf_str(p->daemon->conf, SYSTEM_HOSTNAME))},
        {"time", clock_rfc3339(e->time_ms, &time) ? strbuf_slice(&time) : SLICE("")},
        {"user", e->user},
        {"sender", e->sender},
        {"queue_id", e->queue_id},
        {"size", strbuf_u64(&size, e->size) ? strbuf_slice(&size) : SLICE("")},
    };
    struct template_value values[ARRAY_LEN(given)];
    struct strbuf texts[ARRAY_LEN(given)];
    char *made = NULL;

    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        texts[i] = strbuf_new(VALUE_MAX);
        put_value(p->format, given[i].value, &texts[i]);
        values[i] = (struct template_value){given[i].name, strbuf_slice(&texts[i])};
    }
    if (template_fill(slice_of(p->wording), values, ARRAY_LEN(values), &body))
        made = xslicedup(strbuf_slice(&body));
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        strbuf_free(&texts[i]);
    strbuf_free(&time);
    strbuf_free(&size);
    strbuf_free(&body);
    return made;
}

/* ---- posting ---- */

static void run(struct push *p);

static void
drop(struct notice *n)
{
    struct push *p = n->push;

    TAILQ_REMOVE(&p->notices, n, link);
    p->count--;
    free(n->body);
    free(n);
}

static void
ended(void *arg, struct slice reply)
{
    struct notice *n = arg;
    struct push *p = n->push;
    struct slice why = slice_sub(reply, 1, REASON_MAX);

    n->child = NULL;
    p->children--;
    if (reply.len > 0 && reply.ptr[0] == HOOK_DONE) {
        stats_add(p->sent, 1);
        drop(n);
    } else if (++n->attempts == ATTEMPTS_MAX) {
        stats_add(p->lost, 1);
        log_event(LOG_WARN, "push_given_up", KV_SLICE("reason", why));
        drop(n);
    } else {
        n->not_before_ms = clock_mono_ms() + ((int64_t)RETRY_MS << (n->attempts - 1));
        log_event(LOG_INFO, "push_failed", KV_SLICE("reason", why));
    }
    run(p);
}

static void
begin(struct notice *n)
{
    n->child = one_shot_start(&n->push->hook->child, hook_run, ended, n);
    if (n->child == NULL)
        n->not_before_ms = clock_mono_ms() + RETRY_MS;
    else
        n->push->children++;
}

static void
run(struct push *p)
{
    int64_t now = clock_mono_ms(), first = INT64_MAX;
    struct notice *n;

    for (n = TAILQ_FIRST(&p->notices); n != NULL; n = TAILQ_NEXT(n, link)) {
        if (n->child == NULL && n->not_before_ms <= now && p->children < CHILDREN_MAX)
            begin(n);
        if (n->child == NULL && n->not_before_ms < first)
            first = n->not_before_ms;
    }
    if (first != INT64_MAX && p->children < CHILDREN_MAX)
        loop_timer_set(p->timer, first > now ? first - now : 1);
}

static void
run_again(void *arg)
{
    run(arg);
}

static void
take(struct push *p, const struct event *e)
{
    struct notice *n;
    char *body = p->count < NOTICES_MAX ? compose(p, e) : NULL;

    if (body == NULL) {
        stats_add(p->lost, 1);
        return;
    }
    n = xcalloc(1, sizeof(*n));
    *n = (struct notice){.hook = {.options = p->hook,
                                  .url = conf_str(p->daemon->conf, PUSH_URL),
                                  .type = formats[p->format].type,
                                  .body = slice_of(body),
                                  .expected = slice_of(conf_str(p->daemon->conf, PUSH_EXPECT))},
                         .push = p,
                         .body = body};
    TAILQ_INSERT_TAIL(&p->notices, n, link);
    p->count++;
}

/* ---- events ---- */

/* One datagram and who sent it. False: there is none. */
static bool
receive(int fd, char *buffer, size_t *len, struct ucred *sender)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = EVENT_DATAGRAM_MAX};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

    if (n < 0)
        return false;
    *sender = (struct ucred){.uid = (uid_t)-1};
    if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_CREDENTIALS &&
        cmsg->cmsg_len == CMSG_LEN(sizeof(struct ucred)) && (message.msg_flags & MSG_TRUNC) == 0)
        memcpy(sender, CMSG_DATA(cmsg), sizeof(*sender));
    *len = (size_t)n;
    return true;
}

static void
ready(void *arg, unsigned events)
{
    char buffer[EVENT_DATAGRAM_MAX];
    struct push *p = arg;
    struct ucred sender;
    struct event event;
    size_t len;

    (void)events;
    for (int i = 0; i < PER_TURN && receive(p->fd, buffer, &len, &sender); i++)
        if (sender.uid == p->from_uid && event_decode(slice_make(buffer, len), &event) == 0)
            take(p, &event);
    run(p);
}

/* ---- the whole ---- */

static char *
load_wording(const struct daemon *d, enum format format)
{
    const char *name = conf_str(d->conf, PUSH_TEMPLATE);
    struct strbuf text = strbuf_new(BODY_MAX);
    char *path;

    if (name[0] == '\0')
        return xstrdup(formats[format].wording);
    path = instance_etc_path(&d->inst, name);
    if (read_file(AT_FDCWD, path, &text) < 0) {
        (void)fprintf(stderr, "push.template: %s: %s\n", path, strerror(errno));
        exit(EX_CONFIG);
    }
    free(path);
    return strbuf_steal(&text);
}

struct push *
push_new(struct daemon *d)
{
    const char *format = conf_str(d->conf, PUSH_FORMAT);
    int fd = daemon_listener(d, "datagrams", 0);
    struct push *p;

    if (conf_str(d->conf, PUSH_URL)[0] == '\0')
        return NULL;
    if (fd < 0) {
        log_event(LOG_WARN, "push_without_socket", KV_STR("missing", "datagrams = " EVENT_SOCKET));
        return NULL;
    }
    p = xcalloc(1, sizeof(*p));
    p->daemon = d;
    p->fd = fd;
    p->from_uid = daemon_role_uid(d, USERS_MAIL);
    while (strcmp(formats[p->format].name, format) != 0)
        p->format++; /* it is one of them */
    p->wording = load_wording(d, p->format);
    p->sent = stats_counter(d->stats, "pushed");
    p->lost = stats_counter(d->stats, "pushes_lost");
    TAILQ_INIT(&p->notices);
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0) {
        (void)fprintf(stderr, "alertd: " EVENT_SOCKET ": %s\n", strerror(errno));
        exit(EX_OSERR);
    }
    return p;
}

void
push_start(struct push *p, const struct hook_options *hook)
{
    if (p == NULL)
        return;
    p->hook = hook;
    p->timer = loop_timer_new(p->daemon->loop, run_again, p);
    p->watch = loop_fd_new(p->daemon->loop, p->fd, LOOP_READ, ready, p);
}

void
push_free(struct push **pushp)
{
    struct push *p = *pushp;
    struct notice *n, *next;

    if (p == NULL)
        return;
    loop_fd_free(&p->watch);
    loop_timer_free(&p->timer);
    for (n = TAILQ_FIRST(&p->notices); n != NULL; n = next) {
        next = TAILQ_NEXT(n, link);
        one_shot_stop(&n->child);
        free(n->body);
        free(n);
    }
    free(p->wording);
    xfree(pushp);
}
