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
#include "lib/mail/system_mail.h"
#include "lib/mail/template_file.h"
#include "lib/queue/queue_file.h"
#include "lib/queue/spool.h"

#define MESSAGE_MAX (1u << 20)

struct greeting {
    struct slice address, full_name;
    const char *hostname, *queue_id;
    int64_t now_ms;
};

static void
compose(const struct template_text *text, const struct greeting *g, struct strbuf *out)
{
    struct slice domain = slice_sub(g->address, slice_rindex(g->address, '@') + 1, g->address.len);
    char *postmaster = xasprintf("postmaster@%.*s", (int)domain.len, domain.ptr);
    const struct template_value values[] = {
        {"address", g->address},
        {"full_name", g->full_name.len > 0 ? g->full_name : g->address},
        {"domain", domain},
        {"hostname", slice_of(g->hostname)},
    };

    system_mail_write(&(const struct system_mail){.from_name = "Postmaster",
                                                  .from = slice_of(postmaster),
                                                  .to = g->address,
                                                  .queue_id = g->queue_id,
                                                  .hostname = g->hostname,
                                                  .now_ms = g->now_ms,
                                                  .wording = text,
                                                  .values = values,
                                                  .value_count = ARRAY_LEN(values)},
                      out);
    free(postmaster);
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
send_text(const struct cli *cli, const struct conf *conf, const struct template_text *text,
          struct slice address, struct slice full_name)
{
    struct strbuf message = strbuf_new(MESSAGE_MAX);
    char id[QUEUE_ID_SIZE];
    const struct greeting greeting = {
        .address = address,
        .full_name = full_name,
        .hostname = conf_str(conf, SYSTEM_HOSTNAME),
        .queue_id = id,
        .now_ms = clock_real_ms(),
    };

    queue_id_make(id);
    compose(text, &greeting, &message);
    errno = EMSGSIZE;
    if (message.overflow ||
        put_in_queue(cli, id, strbuf_slice(&message), address, greeting.now_ms) < 0)
        cli_warn(cli, "no welcome message was sent: the queue: %s", strerror(errno));
    strbuf_free(&message);
}

/* ---- the template ---- */

/* To free; NULL: the built-in text. */
static char *
find_path(const struct cli *cli, const struct conf *conf)
{
    const char *name = conf_str(conf, ACCOUNT_WELCOME), *etc = cli->inst.etc;

    if (name[0] == '/')
        return xstrdup(name);
    if (strcmp(name, template_kinds[TEMPLATE_WELCOME].file) != 0)
        return xasprintf("%s/%s", etc, name);
    return template_file_find(etc, conf_str(conf, SYSTEM_TEMPLATE_LANGUAGE), TEMPLATE_WELCOME);
}

int
welcome_read(const struct cli *cli, const struct conf *conf, struct template_text *text,
             struct strbuf *error)
{
    char *path = find_path(cli, conf);
    int rc = template_file_read(path, conf_str(conf, SYSTEM_TEMPLATE_LANGUAGE), TEMPLATE_WELCOME,
                                text, error);

    free(path);
    return rc;
}

void
welcome_send(struct cli *cli, const char *address, struct slice full_name)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = cli->remote != NULL ? NULL : conf_load(cli->inst.conf_path, &errors);
    struct template_text text = {.file = NULL};

    strbuf_clear(&errors); /* an error in the configuration has been told */
    if (conf != NULL && conf_str(conf, ACCOUNT_WELCOME)[0] != '\0') {
        if (welcome_read(cli, conf, &text, &errors) == 0)
            send_text(cli, conf, &text, slice_of(address), full_name);
        else
            cli_warn(cli, "no welcome message was sent: %s", strbuf_cstr(&errors));
    }
    template_file_free(&text);
    conf_free(&conf);
    strbuf_free(&errors);
}
