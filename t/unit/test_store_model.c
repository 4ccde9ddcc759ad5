/*
 * t/unit/test_store_model.c - random work by several sessions, against a model that is too simple
 * to be wrong; and by several processes, against what must hold in the end.
 *
 * Each session has a client: it knows what it was told (EXISTS, EXPUNGE, FETCH) and nothing else,
 * and must never be surprised.
 */
#include "t/unit/store_test.h"

#include <sys/wait.h>

#include "lib/store/compact.h"
#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"

#define SESSIONS 3
#define FOLDERS 2
#define STEPS 1500
#define MESSAGES_MAX 4000
#define FLAGS (MESSAGE_SEEN | MESSAGE_ANSWERED | MESSAGE_FLAGGED | MESSAGE_DELETED)

struct model_message {
    uint32_t uid, flags, content;
    bool live;
};

struct model_folder {
    struct model_message list[MESSAGES_MAX];
    uint32_t count; /* index + 1 is the UID */
};

struct client {
    struct mailbox *mb;
    unsigned folder;
    uint32_t uids[MESSAGES_MAX], flags[MESSAGES_MAX], count;
};

static const char *const folder_names[FOLDERS] = {"INBOX", "Work"};
static struct model_folder model[FOLDERS];
static struct client clients[SESSIONS];
static uint64_t random_state;
static uint32_t next_content;

static uint32_t
pick(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

static void
model_add(unsigned folder, uint32_t uid, uint32_t flags, uint32_t content)
{
    struct model_folder *f = &model[folder];

    ck_assert_uint_lt(f->count, MESSAGES_MAX);
    ck_assert_uint_eq(uid, f->count + 1);
    f->list[f->count++] = (struct model_message){uid, flags, content, true};
}

/* ---- the client's side ---- */

static void
client_learn(struct client *c, uint32_t from)
{
    for (uint32_t seq = from; seq <= c->count; seq++) {
        const struct message *m = mailbox_message(c->mb, seq);

        c->uids[seq - 1] = m->uid;
        c->flags[seq - 1] = m->flags & FLAGS;
    }
}

static void
client_open(struct client *c)
{
    c->folder = pick(FOLDERS);
    c->mb = mailbox_open(store_test, slice_of(folder_names[c->folder]), false, pick(2) == 0);
    ck_assert_msg(c->mb != NULL, "open: %s", strerror(errno));
    c->count = mailbox_count(c->mb);
    client_learn(c, 1);
}

/* What the client believes must be what the session says. */
static void
client_check(struct client *c)
{
    ck_assert_uint_eq(mailbox_count(c->mb), c->count);
    for (uint32_t seq = 1; seq <= c->count; seq++) {
        const struct message *m = mailbox_message(c->mb, seq);

        ck_assert_uint_eq(m->uid, c->uids[seq - 1]);
        ck_assert_uint_eq(m->flags & FLAGS, c->flags[seq - 1]);
        ck_assert_uint_eq(mailbox_seq_of_uid(c->mb, m->uid), seq);
    }
}

static void
client_sync(struct client *c, bool allow_expunge)
{
    struct mailbox_changes ch;

    ck_assert_int_eq(mailbox_sync(c->mb, allow_expunge, &ch), 0);
    for (uint32_t i = 0; i < ch.expunged_count; i++) {
        uint32_t seq = ch.expunged[i];

        ck_assert(allow_expunge && seq >= 1 && seq <= c->count);
        ck_assert_uint_eq(c->uids[seq - 1], ch.expunged_uids[i]);
        memmove(&c->uids[seq - 1], &c->uids[seq], (c->count - seq) * sizeof(uint32_t));
        memmove(&c->flags[seq - 1], &c->flags[seq], (c->count - seq) * sizeof(uint32_t));
        c->count--;
    }
    ck_assert_uint_eq(ch.old_count, c->count);
    ck_assert_uint_ge(ch.new_count, c->count);
    for (uint32_t i = 0; i < ch.changed_count; i++) {
        ck_assert_uint_le(ch.changed[i], c->count);
        c->flags[ch.changed[i] - 1] = mailbox_message(c->mb, ch.changed[i])->flags & FLAGS;
    }
    c->count = ch.new_count;
    client_learn(c, ch.old_count + 1);
    mailbox_changes_free(&ch);
    client_check(c);
}

/* After a full sync the session must say what the model says. */
static void
compare_with_model(struct client *c)
{
    const struct model_folder *f = &model[c->folder];
    uint32_t seq = 0, unseen = 0;
    struct mailbox_info info;

    client_sync(c, true);
    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->list[i].live)
            continue;
        seq++;
        ck_assert_uint_le(seq, c->count);
        ck_assert_uint_eq(c->uids[seq - 1], f->list[i].uid);
        ck_assert_uint_eq(c->flags[seq - 1], f->list[i].flags);
        ck_assert_uint_eq(mailbox_message(c->mb, seq)->size, f->list[i].content);
        unseen += (f->list[i].flags & MESSAGE_SEEN) == 0;
    }
    ck_assert_uint_eq(seq, c->count);
    mailbox_get_info(c->mb, &info);
    ck_assert_uint_eq(info.unseen, unseen);
    ck_assert_uint_eq(info.uidnext, f->count + 1);
    ck_assert_int_eq(mailbox_status(store_test, slice_of(folder_names[c->folder]), &info), 0);
    ck_assert_uint_eq(info.count, seq);
    ck_assert_uint_eq(info.unseen, unseen);
}

/* ---- what a session may do ---- */

static void
do_append(struct client *c)
{
    struct mailbox_append *a;
    struct mailbox_uids uids;
    unsigned folder = pick(FOLDERS), n = 1 + pick(3);
    uint32_t flags[3];

    (void)c;
    a = mailbox_append_begin(store_test, slice_of(folder_names[folder]));
    ck_assert_ptr_nonnull(a);
    for (unsigned i = 0; i < n; i++) {
        flags[i] = pick(FLAGS + 1) & FLAGS;
        ck_assert_int_eq(ftruncate(mailbox_append_fd(a), next_content + i), 0);
        ck_assert_int_eq(mailbox_append_message(a, flags[i], NULL, 0, 1), 0);
    }
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), 0);
    for (unsigned i = 0; i < n; i++)
        model_add(folder, uids.uids[i], flags[i], next_content++);
    free(uids.uids);
}

/* A random set of the client's messages, ascending. */
static uint32_t
pick_seqs(const struct client *c, uint32_t *seqs)
{
    uint32_t n = 0, one_in = 1 + pick(20);

    for (uint32_t seq = 1; seq <= c->count; seq++)
        if (pick(one_in) == 0)
            seqs[n++] = seq;
    return n;
}

static void
do_flags(struct client *c)
{
    static uint32_t seqs[MESSAGES_MAX];
    static bool changed[MESSAGES_MAX];
    uint32_t n = pick_seqs(c, seqs), flags = pick(FLAGS + 1) & FLAGS;
    enum mailbox_flag_op op = (enum mailbox_flag_op)pick(3);

    ck_assert_int_eq(mailbox_store_flags(c->mb, seqs, n, op, flags, 0, 0, NULL, changed), 0);
    for (uint32_t i = 0; i < n; i++) {
        struct model_message *m = &model[c->folder].list[c->uids[seqs[i] - 1] - 1];

        if (!m->live) {
            ck_assert(!changed[i]);
            continue;
        }
        if (op == MAILBOX_FLAGS_SET)
            m->flags = flags;
        else if (op == MAILBOX_FLAGS_ADD)
            m->flags |= flags;
        else
            m->flags &= ~flags;
        c->flags[seqs[i] - 1] = m->flags; /* the client is answered by FETCH */
    }
    /* what others changed and is not reported yet may show: the next sync says so */
}

static void
do_expunge(struct client *c)
{
    if (pick(4) != 0)
        return;
    ck_assert_int_eq(mailbox_expunge(c->mb, NULL, 0), 0);
    for (uint32_t i = 0; i < model[c->folder].count; i++)
        if ((model[c->folder].list[i].flags & MESSAGE_DELETED) != 0)
            model[c->folder].list[i].live = false;
}

static void
do_copy(struct client *c)
{
    uint32_t seqs[20], n = 0;
    unsigned to = pick(FOLDERS);
    bool move = pick(2) == 0, all_live = true;
    struct mailbox_uids uids;
    int rc;

    while (n < 3 && n < c->count) {
        uint32_t seq = (n == 0 ? 0 : seqs[n - 1]) + 1 + pick(5);

        if (seq > c->count)
            break;
        seqs[n++] = seq;
    }
    for (uint32_t i = 0; i < n; i++)
        all_live &= model[c->folder].list[c->uids[seqs[i] - 1] - 1].live;
    rc = mailbox_copy(c->mb, seqs, n, slice_of(folder_names[to]), move, &uids);
    ck_assert_int_eq(rc, all_live ? 0 : -1);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct model_message *m = &model[c->folder].list[c->uids[seqs[i] - 1] - 1];

        model_add(to, uids.uids[i], m->flags, m->content);
        m->live = m->live && !move;
    }
    free(uids.uids);
}

static void
do_housekeeping(struct client *c)
{
    switch (pick(12)) {
    case 0:
        ck_assert_int_eq(compact_journal(c->mb), 0);
        break;
    case 1:
        ck_assert_int_eq(index_file_write(&c->mb->view, &c->mb->folder.journal), 0);
        break;
    case 2:
        mailbox_release_memory(c->mb);
        client_check(c);
        break;
    case 3:
    case 4:
        compare_with_model(c);
        mailbox_close(&c->mb);
        client_open(c);
        break;
    default:
        break;
    }
}

static void
sync_or_not(struct client *c)
{
    if (pick(2) == 0)
        client_sync(c, pick(2) == 0);
}

START_TEST(clients_are_never_surprised)
{
    static void (*const work[])(struct client *) = {do_append,  do_flags, do_flags,
                                                    do_expunge, do_copy,  do_housekeeping};
    uint64_t bytes, messages, counted_bytes, counted;

    random_state = (uint64_t)_i + 1;
    next_content = 1;
    memset(model, 0, sizeof(model));
    ck_assert_int_eq(store_create(store_test, SLICE("Work"), STORE_USE_NONE), 0);
    for (unsigned i = 0; i < SESSIONS; i++)
        client_open(&clients[i]);
    for (unsigned step = 0; step < STEPS && model[0].count + model[1].count < MESSAGES_MAX / 2;
         step++) {
        struct client *c = &clients[pick(SESSIONS)];

        client_sync(c, false);
        work[pick(ARRAY_LEN(work))](c);
        sync_or_not(c);
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        compare_with_model(&clients[i]);
        mailbox_close(&clients[i].mb);
    }
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_int_eq(store_recount(store_test, &counted_bytes, &counted), 0);
    ck_assert_uint_eq(bytes, counted_bytes);
    ck_assert_uint_eq(messages, counted);
}
END_TEST

/* ---- several processes ---- */

#define PROCESSES 4
#define ROUNDS 150

static _Noreturn void
process_work(unsigned n)
{
    struct store *store = store_open(store_test_fd, &store_test_options);
    struct mailbox *mb = mailbox_open(store, SLICE("INBOX"), false, true);

    random_state = n * 7919 + 1;
    for (unsigned i = 0; i < ROUNDS && mb != NULL; i++) {
        struct mailbox_append *a = mailbox_append_begin(store, SLICE("INBOX"));
        struct mailbox_uids uids;
        uint32_t seq;

        if (a == NULL || write_all(mailbox_append_fd(a), SLICE("x\r\n")) < 0 ||
            mailbox_append_message(a, 0, NULL, 0, 1) < 0 || mailbox_append_commit(&a, &uids) < 0 ||
            mailbox_sync(mb, pick(2) == 0, NULL) < 0)
            _exit(2);
        free(uids.uids);
        seq = mailbox_count(mb) == 0 ? 0 : 1 + pick(mailbox_count(mb));
        if (seq != 0 && mailbox_store_flags(mb, &seq, 1, (enum mailbox_flag_op)pick(3),
                                            MESSAGE_SEEN | (pick(3) == 0 ? MESSAGE_DELETED : 0), 0,
                                            0, NULL, NULL) < 0)
            _exit(3);
        if (pick(20) == 0 && mailbox_expunge(mb, NULL, 0) < 0)
            _exit(4);
        if (pick(40) == 0 && compact_journal(mb) < 0)
            _exit(5);
    }
    mailbox_close(&mb);
    store_close(&store);
    _exit(mb == NULL ? 0 : 6);
}

START_TEST(processes_do_not_trip_over_each_other)
{
    struct mailbox *mb;
    struct mailbox_info info;
    uint64_t bytes, messages, counted_bytes, counted;
    uint32_t unseen = 0;
    int status;

    for (unsigned i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            process_work(i);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    }
    mb = mailbox_open(store_test, SLICE("INBOX"), false, false);
    ck_assert_ptr_nonnull(mb);
    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        char *text = store_test_read(mb, seq);

        ck_assert_str_eq(text, "x\r\n");
        free(text);
        unseen += (mailbox_message(mb, seq)->flags & MESSAGE_SEEN) == 0;
    }
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.uidnext, PROCESSES * ROUNDS + 1);
    ck_assert_uint_eq(info.count, mailbox_count(mb));
    ck_assert_uint_eq(info.unseen, unseen);
    mailbox_close(&mb);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_int_eq(store_recount(store_test, &counted_bytes, &counted), 0);
    ck_assert_uint_eq(messages, counted);
    ck_assert_uint_eq(bytes, counted_bytes);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_model");
    TCase *tc = tcase_create("random");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_loop_test(tc, clients_are_never_surprised, 0, 8);
    tcase_add_test(tc, processes_do_not_trip_over_each_other);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
