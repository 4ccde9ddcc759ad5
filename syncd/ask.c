/*
 * syncd/ask.c - asks accountd.
 */
#include "syncd/ask.h"

#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"

#define REQUEST_MAX ((size_t)256 << 10)

enum { TIMEOUT_MS = 60000 };

struct ask {
    struct ipc_client *accounts;
    struct strbuf request;
    struct object_field fields[OBJECT_FIELDS_MAX];
};

struct ask *
ask_new(void)
{
    struct ask *ask = xcalloc(1, sizeof(*ask));

    ask->accounts = ipc_client_new(AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX);
    ask->request = strbuf_new(REQUEST_MAX);
    return ask;
}

void
ask_free(struct ask **askp)
{
    if (*askp == NULL)
        return;
    ipc_client_free(&(*askp)->accounts);
    strbuf_free(&(*askp)->request);
    xfree(askp);
}

int
ask_do(struct ask *ask, const struct accountd_admin *admin, struct accountd_admin_reply *reply)
{
    struct ipc_reply answer = {.fd = -1};

    strbuf_clear(&ask->request);
    if (accountd_admin_encode_as(&ask->request, ACCOUNTD_SYNC, admin) < 0)
        return -1;
    if (ipc_client_call(ask->accounts, &ask->request, -1, TIMEOUT_MS, &answer) < 0)
        return -1;
    close_keep_errno(answer.fd);
    return answer.type == ACCOUNTD_ADMIN_REPLY &&
                   accountd_admin_reply_decode(answer.payload, reply) == 0
               ? 0
               : -1;
}

int
ask_list(struct ask *ask, const char *kind, struct slice within,
         void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    const struct object_field field = {SLICE("within"), within};
    struct accountd_admin admin = {.verb = SLICE("list"),
                                   .kind = slice_of(kind),
                                   .fields = &field,
                                   .field_count = within.len > 0 ? 1 : 0};
    struct strbuf cursor = strbuf_new(ACCOUNTD_TEXT_MAX);
    struct accountd_admin_reply reply;
    int count, rc;

    do {
        rc = ask_do(ask, &admin, &reply) < 0 || reply.result != 0 ? -1 : 0;
        while (rc == 0 && (count = object_next(&reply.data, ask->fields)) != 0) {
            if (count > 0)
                each(arg, ask->fields, (uint32_t)count);
            rc = count < 0 ? -1 : 0;
        }
        strbuf_clear(&cursor);
        if (rc == 0 && !strbuf_append(&cursor, reply.cursor))
            rc = -1;
        admin.cursor = strbuf_slice(&cursor);
    } while (rc == 0 && cursor.len > 0);
    strbuf_free(&cursor);
    return rc;
}
