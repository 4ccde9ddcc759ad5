/*
 * posthorn/welcome.c - the message that greets a new mailbox, from the administrator's template.
 *
 * Values are an address and a name that accountd has taken: single lines. Writes one message into
 * the queue.
 */
#include "posthorn/welcome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf.h"
#include "lib/mail/template.h"
#include "lib/queue/queue_file.h"
#include "lib/queue/spool.h"

#define MESSAGE_MAX (1u << 20)

/* ---- the message ---- */

static void
append_head(const struct welcome_values *v, struct strbuf *out)
{
    (void)strbuf_str(out, "Return-Path: <>\r\nDate: ");
    (void)clock_rfc5322(v->now_ms, out);
    (void)strbuf_printf(out,
                        "\r\nFrom: Postmaster <postmaster@%.*s>\r\nTo: <%.*s>\r\n"
                        "Message-ID: <%s@%.*s>\r\n",
                        (int)v->domain.len, v->domain.ptr, (int)v->address.len, v->address.ptr,
                        v->queue_id, (int)v->hostname.len, v->hostname.ptr);
    (void)strbuf_str(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n");
}

void
welcome_compose(struct slice text, const struct welcome_values *v, struct strbuf *out)
{
    const struct template_value values[] = {
        {"address", v->address},
        {"full_name", v->full_name.len > 0 ? v->full_name : v->address},
        {"domain", v->domain},
        {"hostname", v->hostname},
    };

    append_head(v, out); /* overflow is tested at the end */
    (void)template_fill(text, values, ARRAY_LEN(values), out);
    if (!strbuf_ends_with(out, "\r\n"))
        (void)strbuf_str(out, "\r\n");
}

/* ---- into the queue ---- */

static int
enqueue(const struct spool *spool, const char *id, struct slice message, struct slice address,
        int64_t now_ms)
{
    struct queue_rcpt rcpt = {.address = address};
    struct queue_envelope envelope = {.received_ms = now_ms,
                                      .body_8bit = true,
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct queue_writer *writer =
        queue_writer_open(spool->fds[SPOOL_TMP], spool->fds[SPOOL_NEW], id);

    if (writer == NULL)
        return -1;
    if (queue_writer_write(writer, message) < 0) {
        queue_writer_abort(&writer);
        return -1;
    }
    return queue_writer_commit(&writer, &envelope);
}

static int
put_in_queue(const struct cli *cli, const char *id, struct slice message, struct slice address,
             int64_t now_ms)
{
    char *trigger_path = xasprintf("%s/trigger", cli->inst.queue);
    mode_t before = umask(0002); /* queue-manager has its rights by the directory's group */
    struct spool spool;
    int trigger_fd, rc = spool_open_readonly(&spool, cli->inst.queue);

    if (rc == 0) {
        rc = enqueue(&spool, id, message, address, now_ms);
        trigger_fd = open(trigger_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (rc == 0 && trigger_fd >= 0) /* nobody listens while the suite is stopped */
            queue_trigger(trigger_fd);
        close_keep_errno(trigger_fd);
        spool_close(&spool);
    }
    (void)umask(before);
    free(trigger_path);
    return rc;
}

static void
send_from(struct cli *cli, const struct conf *conf, const char *path, struct slice address,
          struct slice full_name)
{
    struct strbuf text = strbuf_new(TEMPLATE_MAX), message = strbuf_new(MESSAGE_MAX);
    char id[QUEUE_ID_SIZE];
    size_t at = slice_rindex(address, '@');
    const struct welcome_values values = {
        .address = address,
        .full_name = full_name,
        .domain = slice_sub(address, at + 1, address.len),
        .hostname = slice_of(conf_str(conf, SYSTEM_HOSTNAME)),
        .now_ms = clock_real_ms(),
        .queue_id = id,
    };

    queue_id_make(id);
    if (read_file(AT_FDCWD, path, &text) < 0) {
        cli_warn(cli, "no welcome message was sent: %s: %s", path, strerror(errno));
    } else {
        welcome_compose(strbuf_slice(&text), &values, &message);
        if (message.overflow)
            errno = EMSGSIZE;
        if (message.overflow ||
            put_in_queue(cli, id, strbuf_slice(&message), address, values.now_ms) < 0)
            cli_warn(cli, "no welcome message was sent: the queue: %s", strerror(errno));
    }
    strbuf_free(&text);
    strbuf_free(&message);
}

void
welcome_send(struct cli *cli, const char *address, struct slice full_name)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    const char *name = conf == NULL ? "" : conf_str(conf, ACCOUNT_WELCOME);
    char *path = name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", cli->inst.etc, name);

    if (name[0] != '\0')
        send_from(cli, conf, path, slice_of(address), full_name);
    conf_free(&conf);
    strbuf_free(&errors);
    free(path);
}
