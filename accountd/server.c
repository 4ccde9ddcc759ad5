/*
 * accountd/server.c - the account base and its connections: who may ask what.
 *
 * A peer is known by the uid that the kernel tells; it gets the requests of its role and no other.
 * Frames are untrusted. Opens the database in the current directory.
 */
#include "accountd/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "accountd/acl.h"
#include "accountd/addressees.h"
#include "accountd/audit.h"
#include "accountd/auto_reply.h"
#include "accountd/blocks.h"
#include "accountd/changes.h"
#include "accountd/contact_edit.h"
#include "accountd/contacts.h"
#include "accountd/doings.h"
#include "accountd/expiring.h"
#include "accountd/expiry.h"
#include "accountd/flow.h"
#include "accountd/folders.h"
#include "accountd/greetings.h"
#include "accountd/mass_mail.h"
#include "accountd/means.h"
#include "accountd/new_password.h"
#include "accountd/own_password.h"
#include "accountd/parking.h"
#include "accountd/quota.h"
#include "accountd/recorder.h"
#include "accountd/senders.h"
#include "accountd/shown_groups.h"
#include "accountd/srs_key.h"
#include "accountd/store.h"
#include "accountd/sync.h"
#include "accountd/totp.h"
#include "accountd/usage.h"
#include "accountd/visits.h"
#include "lib/account/old_names.h"
#include "lib/account/totals.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

#define LOCK_WAIT_MS 5000 /* a standalone accountd of the command line is soon done */
#define CHECKPOINT_MS 60000

enum role {
    ROLE_SMTP = 1 << 0,
    ROLE_QUEUE = 1 << 1,
    ROLE_AUTH = 1 << 2,
    ROLE_MAIL = 1 << 3,
    ROLE_ADMIN = 1 << 4,
    ROLE_VERIFY = 1 << 5, /* smtpd with VRFY and EXPN switched on */
    ROLE_LDAP = 1 << 6,
    ROLE_SYNC = 1 << 7,
    ROLE_ALERT = 1 << 8,
};

static const struct {
    uint16_t type;
    unsigned roles;
    enum outcome (*run)(struct request *request);
} handlers[] = {
    {ACCOUNTD_RCPT, ROLE_SMTP | ROLE_ADMIN, request_rcpt},
    {ACCOUNTD_SPEND, ROLE_SMTP, request_spend},
    {ACCOUNTD_UNSPEND, ROLE_SMTP, request_unspend},
    {ACCOUNTD_SENT, ROLE_SMTP, doings_request_sent},
    {ACCOUNTD_EXPAND, ROLE_QUEUE | ROLE_ADMIN | ROLE_VERIFY, request_expand},
    {ACCOUNTD_SENDERS, ROLE_QUEUE | ROLE_ADMIN, senders_request},
    {ACCOUNTD_LOGIN, ROLE_AUTH, request_login},
    {ACCOUNTD_ADMIN_LOGIN, ROLE_AUTH, request_admin_login},
    {ACCOUNTD_TOTP, ROLE_AUTH, totp_request},
    {ACCOUNTD_REHASH, ROLE_AUTH, request_rehash},
    {ACCOUNTD_MEANS, ROLE_AUTH, means_request},
    {ACCOUNTD_CODE_USED, ROLE_AUTH, means_code_used},
    {ACCOUNTD_VISITS, ROLE_AUTH, visits_request},
    {ACCOUNTD_USAGE, ROLE_MAIL, doings_request_usage},
    {ACCOUNTD_MISSING, ROLE_MAIL, request_missing},
    {ACCOUNTD_AUTO_REPLY, ROLE_MAIL, auto_reply_request},
    {ACCOUNTD_SENDER, ROLE_SMTP | ROLE_ADMIN, request_sender},
    {ACCOUNTD_FOLDERS, ROLE_AUTH, folders_request},
    {ACCOUNTD_ACL, ROLE_AUTH, acl_request},
    {ACCOUNTD_QUOTA, ROLE_AUTH, quota_request},
    {ACCOUNTD_WATCH, ROLE_AUTH, changes_watch},
    {ACCOUNTD_BLOCK, ROLE_AUTH, blocks_request_add},
    {ACCOUNTD_BLOCKS, ROLE_AUTH | ROLE_ALERT, blocks_request_follow},
    {ACCOUNTD_EXPIRING, ROLE_ALERT, expiring_request},
    {ACCOUNTD_ADDRESSEES, ROLE_ALERT, addressees_request},
    {ACCOUNTD_GREET, ROLE_ALERT, greetings_request},
    {ACCOUNTD_CONTACTS, ROLE_LDAP, contacts_request},
    {ACCOUNTD_GROUPS_OF, ROLE_LDAP, groups_of_request},
    {ACCOUNTD_CONTACT_EDIT, ROLE_LDAP, contact_edit_request},
    {ACCOUNTD_ADMIN, ROLE_ADMIN | ROLE_AUTH, request_admin},
    {ACCOUNTD_OWN_PASSWORD, ROLE_AUTH, own_password_request},
    {ACCOUNTD_SYNC, ROLE_SYNC, sync_request},
};

static unsigned
roles_of(const struct server *server, uid_t uid)
{
    unsigned roles = 0;

    /* Without users of their own all programs run as the one who started the suite. */
    if (uid == 0 || uid == getuid())
        roles = uid == 0 ? ~0u : ROLE_ADMIN;
    for (size_t i = 0; i < ARRAY_LEN(server->role_uids); i++)
        if (server->role_uids[i].uid == uid)
            roles |= server->role_uids[i].roles;
    return roles;
}

void
server_learn_roles(struct server *server, const struct daemon *daemon)
{
    unsigned verify = conf_bool(daemon->conf, SMTP_ALLOW_VRFY_EXPN) ? ROLE_VERIFY : 0;

    server->role_uids[0] =
        (struct role_uid){daemon_role_uid(daemon, USERS_SMTP), ROLE_SMTP | verify};
    server->role_uids[1] = (struct role_uid){daemon_role_uid(daemon, USERS_QUEUE), ROLE_QUEUE};
    server->role_uids[2] = (struct role_uid){daemon_role_uid(daemon, USERS_AUTH), ROLE_AUTH};
    server->role_uids[3] = (struct role_uid){daemon_role_uid(daemon, USERS_MAIL), ROLE_MAIL};
    server->role_uids[4] = (struct role_uid){daemon_role_uid(daemon, USERS_LDAP), ROLE_LDAP};
    server->role_uids[5] =
        (struct role_uid){daemon_role_uid_or_none(daemon, USERS_SYNC), ROLE_SYNC};
    server->role_uids[6] =
        (struct role_uid){daemon_role_uid_or_none(daemon, USERS_ALERT), ROLE_ALERT};
}

bool
server_is_trusted(const struct request *request)
{
    return (roles_of(request->server, ipc_peer_uid(request->peer)) & ROLE_ADMIN) != 0;
}

static bool
may_connect(uid_t uid, void *data)
{
    return roles_of(data, uid) != 0;
}

struct ipc_peer *
server_peer(const struct server *server, uint64_t peer_id)
{
    if (server->ipc != NULL)
        return ipc_server_peer(server->ipc, peer_id);
    return server->only_peer != NULL && ipc_peer_id(server->only_peer) == peer_id
               ? server->only_peer
               : NULL;
}

void
server_run(struct request *request)
{
    struct server *server = request->server;
    unsigned roles = roles_of(server, ipc_peer_uid(request->peer));

    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (handlers[i].type != request->header.type || (handlers[i].roles & roles) == 0)
            continue;
        stats_add(server->requests, 1);
        if (handlers[i].run(request) != REQUEST_BAD)
            return;
        break;
    }
    log_event(LOG_WARN, "bad_request", KV_U64("type", request->header.type),
              KV_U64("uid", ipc_peer_uid(request->peer)),
              KV_I64("pid", ipc_peer_pid(request->peer)));
    ipc_peer_close(request->peer);
}

static int
on_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct request request = {
        .server = ipc_peer_data(peer), .peer = peer, .header = *header, .payload = payload};

    if (fd >= 0) {
        (void)close(fd); /* nobody has a reason to send us one */
        return -1;
    }
    server_run(&request);
    return 0;
}

static void
on_closed(struct ipc_peer *peer)
{
    struct server *server = ipc_peer_data(peer);

    operation_import_peer_gone(server, ipc_peer_id(peer));
    server->only_peer = NULL;
    if (server->ipc == NULL)
        loop_stop(server->daemon->loop); /* standalone: the command line has what it wanted */
}

static const struct ipc_handlers ipc_handlers = {
    .payload_max = ACCOUNTD_REQUEST_MAX,
    .frame = on_frame,
    .closed = on_closed,
};

void
server_changed(struct server *server)
{
    stats_add(server->changes, 1);
    if (account_base_refresh(&server->base) < 0 || account_db_broken(server->base.db)) {
        log_note(LOG_ERROR, "account_base_broken"); /* master starts us again: that recovers it */
        log_flush();
        exit(EX_TEMPFAIL);
    }
    if (server->store != NULL)
        store_take_jobs(server->store);
}

static void
checkpoint(void *arg)
{
    struct server *server = arg;

    if (server->ipc != NULL) { /* a standalone accountd has no log that it could tell */
        audit_send(server->audit);
        audit_forget_sent(server->audit);
    }
    if (account_db_checkpoint(server->base.db) < 0)
        log_note(LOG_ERROR, "checkpoint_failed");
    loop_timer_set(server->checkpoint, CHECKPOINT_MS);
}

static void
db_message(const char *text)
{
    log_event(LOG_ERROR, "account_base", KV_STR("message", text));
}

static void
move_old_names(struct server *server)
{
    struct old_names names;

    if (account_old_names_move(&server->base, clock_real_ms(), &names) < 0) {
        log_event(LOG_ERROR, "old_names_not_moved", KV_ERRNO());
        log_flush();
        exit(EX_TEMPFAIL);
    }
    if (names.moved > 0 || names.left > 0)
        log_event(names.left > 0 ? LOG_WARN : LOG_INFO, "old_names", KV_U64("moved", names.moved),
                  KV_U64("left", names.left));
}

/* They follow every change; the base may have been in the hands of a program that does not know. */
static void
count_totals(struct server *server)
{
    int wrong = account_totals_recount(&server->base);

    if (wrong < 0) {
        log_event(LOG_ERROR, "totals_not_counted", KV_ERRNO());
        log_flush();
        exit(EX_TEMPFAIL);
    }
    if (wrong > 0)
        log_event(LOG_INFO, "totals_corrected", KV_U64("domains", (uint64_t)wrong));
}

static void
open_base(struct server *server, const struct conf *conf)
{
    struct strbuf error = strbuf_new(4096);
    struct account_db *db =
        account_db_open(conf_u64(conf, ACCOUNT_CACHE_SIZE), LOCK_WAIT_MS, db_message, &error);

    if (db == NULL || account_base_init(&server->base, db, conf_str(conf, ACCOUNT_SUBADDRESS),
                                        conf_str(conf, SMTP_POSTMASTER)) < 0) {
        (void)fprintf(stderr, "accountd: %s\n",
                      db == NULL ? strbuf_cstr(&error) : "the account base is damaged");
        log_event(LOG_ERROR, "account_base_not_opened", KV_SLICE("error", strbuf_slice(&error)));
        log_flush();
        exit(EX_TEMPFAIL);
    }
    strbuf_free(&error);
    move_old_names(server);
    count_totals(server);
}

static void
start(struct server *server, struct daemon *daemon)
{
    server->daemon = daemon;
    server->hit = account_hit_new();
    server->second_hit = account_hit_new();
    server->sender_hit = account_hit_new();
    server->usage = usage_new();
    server->doings = doings_new(server);
    server->changes_told = changes_new();
    server->requests = stats_counter(daemon->stats, "requests");
    server->changes = stats_counter(daemon->stats, "changes");
    open_base(server, daemon->conf);
    server->base.hostname = conf_str(daemon->conf, SYSTEM_HOSTNAME);
    server->blocks = blocks_new(server);
    server->audit = audit_new(&server->base);
    greetings_start(server);
    server->parking = parking_new(server);
    server->checkpoint = loop_timer_new(daemon->loop, checkpoint, server);
    loop_timer_set(server->checkpoint, CHECKPOINT_MS);
}

void
server_listen(struct server *server, struct daemon *daemon, int listen_fd)
{
    start(server, daemon);
    if (srs_key_load(&server->srs_key) == 0)
        server->base.srs = &server->srs_key;
    server->base.srs_rewrites = conf_bool(daemon->conf, ACCOUNT_SRS);
    server->ipc = ipc_server_new(daemon->loop, listen_fd, &ipc_handlers, may_connect,
                                 (unsigned)conf_u64(daemon->conf, ACCOUNT_CONNECTIONS), server);
    server->store = store_new(server);
    store_take_jobs(server->store);
    audit_send(server->audit); /* of changes while the suite was stopped */
    server->expiry = expiry_new(server);
    server->flow = flow_new(server);
    server->mass_mail = mass_mail_new(server);
    server->visits = visits_new(server);
    server->contacts = contacts_new(server);
}

void
server_adopt(struct server *server, struct daemon *daemon, int fd)
{
    start(server, daemon);
    /* It frees itself when it ends. */
    server->only_peer = ipc_peer_new(daemon->loop, fd, &ipc_handlers, server);
}

void
server_stop(struct server *server)
{
    if (server->ipc != NULL)
        ipc_server_free(&server->ipc);
    new_passwords_free(&server->passwords);
    expiry_free(&server->expiry);
    flow_free(&server->flow);
    mass_mail_free(&server->mass_mail);
    visits_free(&server->visits);
    recorder_free(&server->recorder);
    contacts_free(&server->contacts);
    store_free(&server->store);
    blocks_free(&server->blocks);
    parking_free(&server->parking);
    audit_free(&server->audit);
    loop_timer_free(&server->checkpoint);
    usage_free(&server->usage);
    doings_free(&server->doings);
    changes_free(&server->changes_told);
    account_hit_free(&server->hit);
    account_hit_free(&server->second_hit);
    account_hit_free(&server->sender_hit);
    account_db_close(&server->base.db);
    account_base_free(&server->base);
}
