/*
 * accountd/weak.c - tries the dictionary's words on one user's record.
 *
 * A password that was set in the clear was held against all the words of that time, so only later
 * ones are tried: small letters, and with a capital in front. The hash workers do it.
 */
#include "accountd/weak.h"

#include <stdlib.h>
#include <string.h>

#include "accountd/new_password.h"
#include "lib/account/dictionary.h"
#include "lib/base/mem.h"

enum {
    WORDS_MAX = 100,  /* hashes of one request take seconds, not minutes */
    ROWS_MAX = 50000, /* words that are looked at */
    REPLY_MAX = 8192
};

/* The words that are still to be tried, each with a line end behind it, and who asked. */
struct trial {
    struct server *server;
    uint64_t peer_id;
    uint32_t request_id;
    char *address, *record; /* record: secret */
    struct strbuf words, cursor;
    size_t at;
    bool more, capital;
};

static void
trial_free(struct trial *t)
{
    mem_wipe(t->record, strlen(t->record));
    free(t->record);
    free(t->address);
    strbuf_free(&t->words);
    strbuf_free(&t->cursor);
    free(t);
}

static void
answer(struct trial *t, bool weak, const char *failure)
{
    struct ipc_peer *peer = server_peer(t->server, t->peer_id);
    struct strbuf out = strbuf_new(REPLY_MAX), data = strbuf_new(REPLY_MAX);
    struct accountd_admin_reply reply = {.result = failure == NULL ? 0 : ACCOUNTD_PASSWORD_LATER,
                                         .text = slice_of(failure)};

    if (failure == NULL) {
        object_add(
            &data,
            (const struct object_field[]){{SLICE("address"), slice_of(t->address)},
                                          {SLICE("weak"), weak ? SLICE("yes") : SLICE("no")}},
            2);
        reply.data = strbuf_slice(&data);
        reply.cursor = t->more && !weak ? strbuf_slice(&t->cursor) : SLICE("");
    }
    if (peer != NULL && accountd_admin_reply_encode(&out, t->request_id, &reply) == 0)
        ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    strbuf_free(&data);
    trial_free(t);
}

static void next(struct trial *t);

static void
tried(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct trial *t = arg;

    (void)record;
    if (outcome == HASH_RIGHT)
        answer(t, true, NULL);
    else if (outcome == HASH_DROPPED)
        answer(t, false, "the hash workers have too much to do: try again later");
    else if (outcome == HASH_UNUSABLE || server_peer(t->server, t->peer_id) == NULL)
        answer(t, false, NULL); /* no password fits, or nobody waits */
    else
        next(t);
}

/* Twice for a word that begins with a letter. */
static void
next(struct trial *t)
{
    struct slice rest = slice_sub(strbuf_slice(&t->words), t->at, t->words.len);
    struct slice word = slice_split(&rest, '\n');
    char form[DICTIONARY_WORD_MAX];

    if (word.len == 0) {
        answer(t, false, NULL);
        return;
    }
    memcpy(form, word.ptr, word.len); /* collect() takes none that is longer */
    if (t->capital)
        form[0] = (char)(form[0] - ('a' - 'A'));
    t->capital = !t->capital && form[0] >= 'a' && form[0] <= 'z';
    if (!t->capital)
        t->at = t->words.len - rest.len;
    (void)hash_pool_verify(new_passwords_pool(t->server->passwords), t->peer_id,
                           slice_of(t->record), slice_make(form, word.len), tried, t);
}

struct collecting {
    struct trial *trial;
    unsigned count;
};

static int
collect(void *arg, struct slice word)
{
    struct collecting *c = arg;

    if (c->count++ == WORDS_MAX || word.len > DICTIONARY_WORD_MAX)
        return -1;
    (void)strbuf_append(&c->trial->words, word); /* WORDS_MAX of them fit */
    (void)strbuf_char(&c->trial->words, '\n');
    return 0;
}

int
weak_begin(const struct request *request, struct slice name, struct slice after,
           struct account_result *result)
{
    struct server *server = request->server;
    struct account_hit *hit = &server->hit;
    struct collecting collecting = {0};
    struct trial *t;
    int rc;

    if (account_find_exact(&server->base, name, hit) != ACCOUNT_FOUND ||
        hit->entry.kind != ACCOUNT_USER)
        return account_fail(result, 2, "%.*s: no such mailbox", (int)name.len, name.ptr);
    t = xcalloc(1, sizeof(*t));
    t->server = server;
    t->peer_id = ipc_peer_id(request->peer);
    t->request_id = request->header.request_id;
    t->address = xslicedup(strbuf_slice(&hit->address));
    t->record = xslicedup(record_get(&hit->entry, USER_PASSWORD));
    t->words = strbuf_new((size_t)WORDS_MAX * (DICTIONARY_WORD_MAX + 1));
    t->cursor = strbuf_new(DICTIONARY_WORD_MAX);
    collecting.trial = t;
    rc = t->record[0] == '\0'
             ? 0
             : dictionary_each_since(&server->base, after,
                                     record_get(&hit->entry, USER_PASSWORD_CHECKED), ROWS_MAX,
                                     collect, &collecting, &t->cursor);
    if (rc < 0) {
        trial_free(t);
        return account_fail_db(result);
    }
    t->more = rc == 1;
    next(t);
    return 0;
}
