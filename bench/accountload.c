/*
 * bench/accountload.c - how long the account base takes to say who a name is.
 *
 *   accountload inside DATABASE-DIRECTORY USERS COUNT  in a process of its own, the suite stopped
 *   accountload login RUN-DIRECTORY USERS COUNT        accountd's answers over its socket
 *
 * COUNT look-ups of u0@bench.test to u(USERS-1)@bench.test in a random order, after as
 * many that are not counted. Prints JSON: median and 99th percentile in microseconds.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/account/account.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"

#define CACHE_BYTES (16u << 20) /* as account.cache_size is shipped */
#define NAME_MAX_BYTES 64

static void
fail(const char *what)
{
    (void)fprintf(stderr, "accountload: %s\n", what);
    exit(1);
}

static int64_t
now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct account_base base;
static struct account_hit hit;

static bool
inside(struct slice name)
{
    return account_find_login(&base, name, &hit) == ACCOUNT_FOUND &&
           record_get(&hit.entry, USER_PASSWORD).len > 0;
}

static struct ipc_client *client;

static bool
login(struct slice name)
{
    struct strbuf frame = strbuf_new(4096);
    struct accountd_login_reply reply;
    struct ipc_reply answer;
    bool found = accountd_login_encode(&frame, &(const struct accountd_login){.name = name}) == 0 &&
                 ipc_client_call(client, &frame, -1, 10000, &answer) == 0 &&
                 accountd_login_reply_decode(answer.payload, &reply) == 0 &&
                 reply.state == ACCOUNTD_LOGIN_OK;

    strbuf_free(&frame);
    return found;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void
measure(bool (*look_up)(struct slice name), uint64_t users, uint64_t count)
{
    int64_t *times = xcalloc(count, sizeof(*times));

    srandom(1);
    for (uint64_t i = 0; i < 2 * count; i++) {
        char name[NAME_MAX_BYTES];
        int64_t began;

        (void)snprintf(name, sizeof(name), "u%" PRIu64 "@bench.test", (uint64_t)random() % users);
        began = now_ns();
        if (!look_up(slice_of(name)))
            fail(name);
        times[i % count] = now_ns() - began;
    }
    qsort(times, count, sizeof(*times), compare);
    (void)printf("{\"median_us\": %.1f, \"p99_us\": %.1f}\n", (double)times[count / 2] / 1000,
                 (double)times[count * 99 / 100] / 1000);
    free(times);
}

static void
open_base(const char *directory)
{
    struct strbuf error = strbuf_new(1000);
    struct account_db *db;

    if (chdir(directory) < 0)
        fail(directory);
    db = account_db_open(CACHE_BYTES, 0, NULL, &error);
    if (db == NULL || account_base_init(&base, db, "+", "postmaster") < 0)
        fail(strbuf_cstr(&error));
    strbuf_free(&error);
    hit = account_hit_new();
}

int
main(int argc, char **argv)
{
    uint64_t users, count;

    if (argc != 5 || parse_u64(slice_of(argv[3]), 1000000, &users) < 0 || users == 0 ||
        parse_u64(slice_of(argv[4]), 10000000, &count) < 0 || count == 0)
        fail("expected MODE DIRECTORY USERS COUNT");
    if (strcmp(argv[1], "inside") == 0) {
        open_base(argv[2]);
        measure(inside, users, count);
        account_db_close(&base.db);
        return 0;
    }
    client = ipc_client_new(open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC), ACCOUNTD_SOCKET,
                            ACCOUNTD_PAYLOAD_MAX);
    measure(login, users, count);
    ipc_client_free(&client);
    return 0;
}
