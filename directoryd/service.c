/*
 * directoryd/service.c - ldapd's sessions: who they are, and what they ask.
 *
 * Input:  the parent's HELLO, then frames from session processes, which may be in an attacker's
 *         hands: whose session it is comes from authd, by the id that the parent told.
 * Holds the write password, which never leaves; a wrong one is answered late.
 */
#include "directoryd/service.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "directoryd/feed.h"
#include "directoryd/search.h"
#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/contacts.h"
#include "lib/log/log.h"

enum {
    SESSIONS_MAX = 34000, /* ldap.max_clients and ldaps.max_clients, of two generations */
    WHO_TIMEOUT_MS = 10000,
    EDIT_TIMEOUT_MS = 30000,
    CALLS_MAX = 10000,
    WRONG_PASSWORD_MS = 1000,
    WRONG_PASSWORDS_MAX = 3, /* of one session */
    WRONG_A_MINUTE_MAX = 20, /* of all: then nobody's is looked at until the next one */
    SMALL_FRAME = 4096,
    MINUTE_MS = 60000
};

#define WRITER "cn=write" /* in the audit log: whoever knows the write password */

struct session {
    struct service *service;
    struct ipc_peer *peer; /* NULL: gone, an answer to us is outstanding */
    struct session *next, **link;
    char id[DIRECTORY_SESSION_ID_MAX + 1]; /* "": no HELLO yet */
    char client_ip[DIRECTORY_CLIENT_MAX + 1];
    char *user;   /* canonical, or NULL */
    char *groups; /* that the user is in, as of the login (struct viewer) */
    bool may_write;
    unsigned wrong_passwords;
    struct loop_timer *timer; /* until a wrong password is answered; NULL: none was */
    bool is_busy;             /* a question is being answered: the next one has to wait */
    uint32_t request_id;      /* of that question */
    bool outstanding;         /* a call whose done() will come */
    /* an edit that accountd has made, or refused for another one, which has not come by the feed */
    bool waits_for_feed;
    uint64_t number;
    uint32_t result; /* to be told then */
};

struct service {
    struct daemon *daemon;
    struct session nobody; /* a new connection's, until its first frame */
    uid_t ldap_uid;
    const struct service_options *options;
    struct ipc_server *listener;
    struct ipc_async *accounts, *auth;
    struct feed *feed;
    int64_t wrong_minute; /* in which so many */
    unsigned wrong_passwords;
    struct ldap_filter *filter; /* of the search at hand: kept for its memory */
    struct strbuf entries, out;
    struct session *sessions;
    unsigned session_count;
    bool draining;
    _Atomic uint64_t *searches, *found, *edits;
};

/* ---- sessions ---- */

static void
free_session(struct session *s)
{
    struct service *service = s->service;

    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    loop_timer_free(&s->timer);
    free(s->user);
    free(s->groups);
    free(s);
    if (--service->session_count == 0 && service->draining)
        loop_stop(service->daemon->loop);
}

/* Ends an answer that came from elsewhere. False: the session is gone, and freed now. */
static bool
release(struct session *s)
{
    s->outstanding = false;
    if (s->peer != NULL)
        return true;
    free_session(s);
    return false;
}

static void
reply(struct session *s, struct strbuf *frame)
{
    s->is_busy = false;
    ipc_peer_send(s->peer, frame, -1);
}

static void
send_bound(struct session *s, const struct directory_bound *bound)
{
    struct strbuf frame = strbuf_new(SMALL_FRAME);

    assert_always(directory_bound_encode(&frame, s->request_id, bound) == 0);
    reply(s, &frame);
    strbuf_free(&frame);
}

static void
send_edited(struct session *s, uint32_t result, struct slice text)
{
    struct strbuf frame = strbuf_new(SMALL_FRAME);
    const struct directory_edited edited = {result, text};

    assert_always(directory_edited_encode(&frame, s->request_id, &edited) == 0);
    reply(s, &frame);
    strbuf_free(&frame);
}

/* ---- BIND ---- */

static void
forget_user(struct session *s)
{
    xfree(&s->user);
    xfree(&s->groups);
    s->may_write = false;
}

/* Without an answer the user is in none. */
static void
groups_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct slice groups;

    close_keep_errno(fd);
    if (!release(s))
        return;
    if (header != NULL && header->type == ACCOUNTD_GROUPS_OF_REPLY &&
        groups_of_reply_decode(payload, &groups) == 0)
        s->groups = xslicedup(groups);
    send_bound(s, &(struct directory_bound){.ok = true, .user = slice_of(s->user)});
}

static void
ask_groups(struct session *s)
{
    struct strbuf request = strbuf_new(SMALL_FRAME);

    assert_always(groups_of_encode(&request, slice_of(s->user)) == 0);
    s->outstanding = true;
    ipc_async_call(s->service->accounts, &request, WHO_TIMEOUT_MS, groups_came, s);
    strbuf_free(&request);
}

static void
who_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct directory_bound bound = {.later = true};
    struct slice user;

    close_keep_errno(fd);
    if (!release(s))
        return;
    if (header != NULL && header->type == AUTHD_WHO_REPLY &&
        authd_data_decode(payload, &user) == 0) {
        bound.later = false;
        bound.ok = user.len > 0 && user.len <= DIRECTORY_USER_MAX;
    }
    if (bound.ok) {
        s->user = xslicedup(user);
        ask_groups(s);
    } else {
        send_bound(s, &bound);
    }
}

static void
ask_who(struct session *s)
{
    struct strbuf request = strbuf_new(SMALL_FRAME);

    assert_always(authd_data_encode(&request, AUTHD_WHO, 0, slice_of(s->id)) == 0);
    s->outstanding = true;
    ipc_async_call(s->service->auth, &request, WHO_TIMEOUT_MS, who_came, s);
    strbuf_free(&request);
}

static void
refuse_writer(void *arg)
{
    struct session *s = arg;

    if (s->peer != NULL)
        send_bound(s, &(struct directory_bound){.ok = false});
}

static void
bind_writer(struct session *s, struct slice password)
{
    struct slice wanted = s->service->options->write_password;

    if (clock_mono_ms() / MINUTE_MS != s->service->wrong_minute) {
        s->service->wrong_minute = clock_mono_ms() / MINUTE_MS;
        s->service->wrong_passwords = 0;
    }
    s->may_write = wanted.len > 0 && s->wrong_passwords < WRONG_PASSWORDS_MAX &&
                   s->service->wrong_passwords < WRONG_A_MINUTE_MAX &&
                   digest_equal(password, wanted);
    log_event(s->may_write ? LOG_INFO : LOG_WARN, s->may_write ? "writer" : "wrong_write_password",
              KV_STR("session", s->id));
    if (s->may_write) {
        send_bound(s, &(struct directory_bound){.ok = true});
        return;
    }
    s->wrong_passwords++;
    s->service->wrong_passwords++;
    if (s->timer == NULL)
        s->timer = loop_timer_new(s->service->daemon->loop, refuse_writer, s);
    loop_timer_set(s->timer, WRONG_PASSWORD_MS);
}

static int
on_bind(struct session *s, struct slice payload)
{
    struct directory_bind bind;

    if (directory_bind_decode(payload, &bind) < 0)
        return -1;
    forget_user(s);
    if (bind.how == DIRECTORY_BIND_USER)
        ask_who(s);
    else if (bind.how == DIRECTORY_BIND_WRITE)
        bind_writer(s, bind.password);
    else
        send_bound(s, &(struct directory_bound){.ok = true});
    return 0;
}

/* ---- SEARCH ---- */

static struct viewer
viewer_of(const struct session *s)
{
    struct slice user = slice_of(s->user);

    return (struct viewer){.as = {user, slice_of(s->groups), s->may_write},
                           .domain = slice_sub(user, slice_rindex(user, '@') + 1, user.len)};
}

static int
on_search(struct session *s, struct slice payload)
{
    struct service *service = s->service;
    const struct book *book = feed_book(service->feed);
    const struct viewer viewer = viewer_of(s);
    struct directory_found found = {.result = DIRECTORY_NOT_READY};
    struct directory_search search;

    if (directory_search_decode(payload, &search, service->filter) < 0 ||
        ldap_filter_fold(service->filter) < 0)
        return -1;
    strbuf_clear(&service->entries);
    strbuf_clear(&service->out);
    if (s->user == NULL && !s->may_write && !service->options->anonymous_read) {
        found.result = DIRECTORY_NO_ACCESS;
    } else if (book != NULL) {
        const struct tree tree = {book->store, book->grams, service->options->rdn_type,
                                  service->options->rdn_value, service->options->base_text};

        search_run(&tree, &viewer, &search, service->filter, &service->entries, &found);
        stats_add(service->searches, 1);
        stats_add(service->found, found.count);
    }
    found.number = feed_known(service->feed);
    found.entries = strbuf_slice(&service->entries);
    if (directory_found_encode(&service->out, s->request_id, &found) < 0)
        return -1; /* a page's limits are below this */
    reply(s, &service->out);
    return 0;
}

/* ---- EDIT ---- */

/* The change is in our copy: who made it finds it there. */
static void
feed_came(void *arg)
{
    struct service *service = arg;
    uint64_t known = feed_known(service->feed);

    for (struct session *s = service->sessions, *next; s != NULL; s = next) {
        next = s->next; /* sending may be its end */
        if (s->waits_for_feed && known >= s->number && s->peer != NULL) {
            s->waits_for_feed = false;
            send_edited(s, s->result, SLICE(""));
        }
    }
}

static void
edited(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct contact_edit_reply answer;

    close_keep_errno(fd);
    if (!release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_CONTACT_EDIT_REPLY ||
        contact_edit_reply_decode(payload, &answer) < 0) {
        send_edited(s, DIRECTORY_AWAY, SLICE(""));
    } else if ((answer.result == CONTACT_EDIT_DONE || answer.result == CONTACT_EDIT_CHANGED) &&
               feed_known(s->service->feed) < answer.number) {
        s->waits_for_feed = true;
        s->result = answer.result;
        s->number = answer.number;
    } else {
        send_edited(s, answer.result, answer.text);
    }
}

static int
on_edit(struct session *s, struct slice payload)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf request, name;
    struct directory_edit edit;
    int rc;

    if (directory_edit_decode(payload, &edit, fields) < 0)
        return -1;
    if (!s->may_write) {
        send_edited(s, DIRECTORY_NO_RIGHT, SLICE(""));
        return 0;
    }
    stats_add(s->service->edits, 1);
    request = strbuf_new(DIRECTORY_REQUEST_MAX);
    name = strbuf_new(LDAP_NAME_MAX + 1 + LDAP_BOOK_MAX);
    (void)strbuf_append(&name, edit.name); /* the decoder's limits: it fits */
    (void)strbuf_char(&name, '@');
    (void)strbuf_append(&name, edit.book);
    rc = contact_edit_encode(&request, &(struct contact_edit){.verb = edit.verb,
                                                              .name = strbuf_slice(&name),
                                                              .as_of = edit.as_of,
                                                              .who = SLICE(WRITER),
                                                              .from = slice_of(s->client_ip),
                                                              .fields = fields,
                                                              .field_count = edit.field_count});
    if (rc == 0) {
        s->outstanding = true;
        ipc_async_call(s->service->accounts, &request, EDIT_TIMEOUT_MS, edited, s);
    }
    strbuf_free(&request);
    strbuf_free(&name);
    return rc;
}

/* ---- frames ---- */

static int
on_hello(struct session *s, struct slice payload)
{
    struct slice id, client_ip;

    if (directory_hello_decode(payload, &id, &client_ip) < 0 || id.len == 0 || client_ip.len == 0)
        return -1;
    memcpy(s->id, id.ptr, id.len); /* the decoder's limits are below the room */
    s->id[id.len] = '\0';
    memcpy(s->client_ip, client_ip.ptr, client_ip.len);
    s->client_ip[client_ip.len] = '\0';
    return 0;
}

/* A session asks one thing after the other. */
static int
session_frame(struct session *s, const struct frame_header *header, struct slice payload)
{
    if (s->id[0] == '\0')
        return header->type == DIRECTORY_HELLO ? on_hello(s, payload) : -1;
    if (s->is_busy)
        return -1;
    s->is_busy = true;
    s->request_id = header->request_id;
    switch (header->type) {
    case DIRECTORY_BIND:
        return on_bind(s, payload);
    case DIRECTORY_SEARCH:
        return on_search(s, payload);
    case DIRECTORY_EDIT:
        return on_edit(s, payload);
    default:
        return -1;
    }
}

static struct session *
session_of(struct ipc_peer *peer)
{
    struct session *s = ipc_peer_data(peer);
    struct service *service = s->service;

    if (s != &service->nobody)
        return s;
    s = xcalloc(1, sizeof(*s));
    s->service = service;
    s->peer = peer;
    s->next = service->sessions;
    s->link = &service->sessions;
    if (s->next != NULL)
        s->next->link = &s->next;
    service->sessions = s;
    service->session_count++;
    ipc_peer_set_data(peer, s);
    return s;
}

static int
on_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = session_of(peer);

    if (fd >= 0) {
        (void)close(fd); /* nobody has a reason to send us one */
        return -1;
    }
    if (session_frame(s, header, payload) == 0)
        return 0;
    log_event(LOG_WARN, "bad_request", KV_U64("type", header->type), KV_STR("session", s->id));
    return -1;
}

static void
on_closed(struct ipc_peer *peer)
{
    struct session *s = ipc_peer_data(peer);

    if (s == &s->service->nobody)
        return;
    s->peer = NULL;
    if (!s->outstanding)
        free_session(s);
}

static const struct ipc_handlers handlers = {
    .payload_max = DIRECTORY_REQUEST_MAX,
    .frame = on_frame,
    .closed = on_closed,
};

static bool
may_connect(uid_t uid, void *data)
{
    const struct session *nobody = data;

    return uid == nobody->service->ldap_uid;
}

/* ---- the service ---- */

struct service *
service_start(struct daemon *d, const struct service_options *options)
{
    struct service *service = xcalloc(1, sizeof(*service));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " DIRECTORY_SOCKET);
    service->daemon = d;
    service->options = options;
    service->nobody.service = service;
    service->ldap_uid = daemon_role_uid(d, USERS_LDAP);
    service->filter = ldap_filter_new();
    service->filter->base = options->base;
    service->entries = strbuf_new(DIRECTORY_PAYLOAD_MAX - SMALL_FRAME);
    service->out = strbuf_new(DIRECTORY_PAYLOAD_MAX + FRAME_HEADER);
    service->searches = stats_counter(d->stats, "searches");
    service->found = stats_counter(d->stats, "entries_found");
    service->edits = stats_counter(d->stats, "changes");
    service->accounts =
        ipc_async_new(d->loop, d->run_dirfd, ACCOUNTD_SOCKET, CONTACTS_PAYLOAD_MAX, CALLS_MAX);
    service->auth =
        ipc_async_new(d->loop, d->run_dirfd, AUTHD_SOCKET, AUTHD_PAYLOAD_MAX, CALLS_MAX);
    service->feed = feed_new(d->loop, service->accounts, feed_came, service);
    service->listener =
        ipc_server_new(d->loop, fd, &handlers, may_connect, SESSIONS_MAX, &service->nobody);
    return service;
}

void
service_drain(struct service *service)
{
    service->draining = true;
    ipc_server_stop(service->listener);
    if (service->session_count == 0)
        loop_stop(service->daemon->loop);
}

void
service_stop(struct service **servicep)
{
    struct service *service = *servicep;

    if (service == NULL)
        return;
    ipc_server_free(&service->listener);
    ipc_async_free(&service->accounts);
    ipc_async_free(&service->auth);
    feed_free(&service->feed);
    ldap_filter_free(&service->filter);
    strbuf_free(&service->entries);
    strbuf_free(&service->out);
    xfree(servicep);
}
