/*
 * local-deliver/warning.c - tells users once that their mailbox fills up (quota_warning.txt,
 * message_quota_warning.txt).
 *
 * The warning is delivered like mail, from a file in memory, beyond the quota if it has to. Once
 * per crossing: the mark in the mail directory (lib/store/warning_mark.h) is made on disk first,
 * with the key that keeps the delivery from being done twice.
 */
#include "local-deliver/warning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/system_mail.h"
#include "lib/mail/template_file.h"
#include "lib/queue/queue_file.h"
#include "lib/store/delivery.h"
#include "lib/store/warning_mark.h"

#define MESSAGE_MAX ((size_t)TEMPLATE_MAX * 2)
#define VALUE_SIZE 48
#define MIB (1u << 20)

_Static_assert(QUEUE_ID_SIZE <= WARNING_KEY_SIZE, "a queue id is the key");

void
warning_text_load(struct warning_text *text, const struct daemon *d)
{
    const char *language = conf_str(d->conf, SYSTEM_TEMPLATE_LANGUAGE);

    *text = (struct warning_text){
        .hostname = conf_str(d->conf, SYSTEM_HOSTNAME),
        .postmaster = conf_str(d->conf, SMTP_POSTMASTER),
        .sent = stats_counter(d->stats, "quota_warnings"),
    };
    template_file_load(d->inst.etc, language, TEMPLATE_QUOTA_WARNING, &text->of_bytes);
    template_file_load(d->inst.etc, language, TEMPLATE_MESSAGE_QUOTA_WARNING, &text->of_messages);
}

/* ---- the text ---- */

/* Percent, rounded down, without overflow; 0 without a quota. */
static uint64_t
percent_of(uint64_t used, uint64_t quota)
{
    if (quota == 0)
        return 0;
    return used <= UINT64_MAX / 100 ? used * 100 / quota : used / (quota / 100 + 1);
}

/* Symbols that are the same in every language; a number of messages gets its word in the template.
 */
static void
put_amount(char out[VALUE_SIZE], uint64_t amount, bool is_bytes)
{
    if (!is_bytes)
        (void)snprintf(out, VALUE_SIZE, "%llu", (unsigned long long)amount);
    else if (amount >= MIB)
        (void)snprintf(out, VALUE_SIZE, "%llu.%llu MiB", (unsigned long long)(amount / MIB),
                       (unsigned long long)(amount % MIB * 10 / MIB));
    else
        (void)snprintf(out, VALUE_SIZE, "%llu B", (unsigned long long)amount);
}

/* The caller frees it. */
static char *
sender_of(const struct warning_text *text, const struct warning_case *c)
{
    if (c->sender.len > 0)
        return xslicedup(c->sender);
    if (strchr(text->postmaster, '@') != NULL)
        return xstrdup(text->postmaster);
    return xasprintf("postmaster@%s", text->hostname);
}

/* About the quota that is used more. */
static void
compose(struct strbuf *out, const struct warning_text *text, const struct warning_case *c,
        const char *id, int64_t now_ms)
{
    uint64_t of_bytes = percent_of(c->bytes, c->quota_bytes),
             of_messages = percent_of(c->messages, c->quota_messages);
    bool is_bytes = of_bytes >= of_messages;
    char percent[VALUE_SIZE], used[VALUE_SIZE], limit[VALUE_SIZE];
    char *postmaster = sender_of(text, c);

    put_amount(percent, is_bytes ? of_bytes : of_messages, false);
    put_amount(used, is_bytes ? c->bytes : c->messages, is_bytes);
    put_amount(limit, is_bytes ? c->quota_bytes : c->quota_messages, is_bytes);
    system_mail_write(
        &(const struct system_mail){
            .from_name = "Mail system",
            .from = slice_of(postmaster),
            .to = c->address,
            .queue_id = id,
            .hostname = text->hostname,
            .now_ms = now_ms,
            .wording = is_bytes ? &text->of_bytes : &text->of_messages,
            .values = (const struct template_value[]){{"percent", slice_of(percent)},
                                                      {"used", slice_of(used)},
                                                      {"limit", slice_of(limit)},
                                                      {"address", c->address},
                                                      {"hostname", slice_of(text->hostname)},
                                                      {"postmaster", slice_of(postmaster)}},
            .value_count = 6},
        out);
    xfree(&postmaster);
}

/* ---- the delivery ---- */

/* -1 with errno. A delivery in doubt: the same key comes in once. */
static int
deliver(const struct warning_text *text, const struct store_dirs *dirs,
        const struct warning_case *c, const char *key)
{
    const int64_t now_ms = clock_real_ms();
    struct strbuf content = strbuf_new(MESSAGE_MAX);
    struct delivery_message message = {.dirfd = -1,
                                       .fd = memfd_create("warning", MFD_CLOEXEC),
                                       .queue_id = slice_of(key),
                                       .received_ms = now_ms,
                                       .in_doubt = true};
    struct delivery_batch *batch;
    struct delivery_result result = {.status = DELIVERY_FAILED, .error = EMSGSIZE};

    compose(&content, text, c, key, now_ms);
    message.size = content.len;
    message.crc = crc32c(0, strbuf_slice(&content));
    if (message.fd < 0 || write_all(message.fd, strbuf_slice(&content)) < 0) {
        result.error = errno;
    } else if (!content.overflow) {
        batch = delivery_begin(dirs);
        (void)delivery_add(batch, &message, c->path, SLICE("INBOX"), 0, 0);
        delivery_commit(batch);
        result = *delivery_get(batch, 0);
        delivery_free(&batch);
    }
    close_keep_errno(message.fd);
    strbuf_free(&content);
    errno = result.error;
    return result.status == DELIVERY_OK || result.status == DELIVERY_DUPLICATE ? 0 : -1;
}

static void
warn(const struct warning_text *text, const struct store_dirs *dirs, int mail_fd,
     const struct warning_case *c, const char *key)
{
    if (deliver(text, dirs, c, key) < 0) {
        log_event(LOG_WARN, "quota_warning_failed", KV_SLICE("rcpt", c->address), KV_ERRNO());
        return;
    }
    warning_mark_done(mail_fd);
    stats_add(text->sent, 1);
    log_event(LOG_INFO, "quota_warning", KV_STR("queue_id", key), KV_SLICE("rcpt", c->address),
              KV_U64("limit", c->limit), KV_U64("bytes", c->bytes),
              KV_U64("messages", c->messages));
}

/* ---- when ---- */

static bool
has_passed(const struct warning_case *c, uint64_t bytes, uint64_t messages)
{
    return percent_of(bytes, c->quota_bytes) >= c->limit ||
           percent_of(messages, c->quota_messages) >= c->limit;
}

void
warning_consider(const struct warning_text *text, const struct store_dirs *dirs,
                 const struct warning_case *c)
{
    char key[WARNING_KEY_SIZE];
    enum warning_mark mark;
    int mail_fd;

    if (c->limit == 0 || (c->quota_bytes == 0 && c->quota_messages == 0))
        return;
    mail_fd = store_dirs_open_mail(dirs, c->path, O_RDONLY);
    if (mail_fd < 0)
        return; /* gone since */
    mark = warning_mark_read(mail_fd, key);
    /* Sessions remove mail without looking here: that there was room is seen when mail comes. */
    if (mark == WARNING_DONE &&
        !has_passed(c, c->bytes - c->came_bytes, c->messages - (c->came_bytes > 0))) {
        warning_mark_clear(mail_fd);
        mark = WARNING_NONE;
    }
    if (mark == WARNING_NONE && has_passed(c, c->bytes, c->messages)) {
        queue_id_make(key);
        if (warning_mark_begin(mail_fd, key) == 0)
            mark = WARNING_BEGUN;
        else if (errno != EEXIST) /* else another worker is at it */
            log_event(LOG_WARN, "quota_warning_failed", KV_SLICE("rcpt", c->address), KV_ERRNO());
    }
    if (mark == WARNING_BEGUN)
        warn(text, dirs, mail_fd, c, key);
    close_keep_errno(mail_fd);
}
