/*
 * authd/code_use.c - tells accountd that somebody logged in by an authorization code.
 */
#include "authd/code_use.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_means.h"
#include "lib/log/log.h"

enum { TIMEOUT_MS = 30000, REQUEST_MAX = 2048 };

static void
noted(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    (void)arg;
    (void)payload;
    close_keep_errno(fd);
    if (header == NULL || header->type != ACCOUNTD_OK)
        log_event(LOG_WARN, "code_use_not_noted", KV_STR("reason", "accountd does not answer"));
}

void
code_use_report(struct server *server, const char *user, const char *id, const char *client_ip)
{
    const struct accountd_code_used used = {
        .user = slice_of(user), .id = slice_of(id), .client_ip = slice_of(client_ip)};
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_code_used_encode(&request, &used) == 0);
    ipc_async_call(server->accounts, &request, TIMEOUT_MS, noted, NULL);
    strbuf_free(&request);
}
