/*
 * queue-manager/queue.h - what all duties of the queue manager share: the queue, its messages in
 * memory and their targets.
 *
 * The way of a message: intake.c takes it from new/ or deferred/ into active/ and into memory,
 * unless it may not start yet (admit.c); expand.c asks accountd for its targets; schedule.c puts
 * the targets into lanes (one per local agent, one per remote destination, one for the archive) and
 * hands out jobs;
 * agent.c takes the results; round.c ends the round: log, notices, removal or deferral. One round
 * is one attempt at everything that is undone.
 */
#ifndef POSTHORN_QUEUE_MANAGER_QUEUE_H
#define POSTHORN_QUEUE_MANAGER_QUEUE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "lib/base/arena.h"
#include "lib/conf/approval_rules.h"
#include "lib/conf/archive_conf.h"
#include "lib/conf/networks.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/queue_manager.h"
#include "lib/queue/approval_token.h"
#include "lib/queue/queue_log.h"
#include "lib/queue/spool.h"
#include "lib/sys/disk_level.h"
#include "queue-manager/trim.h"
#include "queue-manager/wording.h"

#define QUEUE_TARGETS_MAX 200000 /* of one message, after expansion */
#define QUEUE_TARGETS_ALL 500000 /* of all messages in memory, some 350 bytes each */
#define QUEUE_TABLE_SIZE 16384   /* rows of the table of messages by id */

enum target_kind {
    TARGET_MAILBOX,
    TARGET_REMOTE,
    TARGET_ARCHIVE, /* a file and a record of archived's; never given up */
    TARGET_FAILURE,
    TARGET_NOBODY /* a mailbox that only forwards: not kept once the copies are known */
};
enum target_state {
    TARGET_WAITING,   /* in a lane */
    TARGET_IN_JOB,    /* an agent has it */
    TARGET_DELIVERED, /* this and the next: the outcome of this round */
    TARGET_DEFERRED,
    TARGET_BOUNCED
};

/* One final recipient. */
struct target {
    uint32_t source;   /* recipient in the envelope that led here; behind these, a copy */
    uint8_t kind;      /* enum target_kind */
    uint8_t state;     /* enum target_state */
    bool in_doubt;     /* a lost job may have delivered it */
    bool logged;       /* finished, and its DONE record is on disk */
    uint8_t lost;      /* jobs with it that an agent took along when it died, in this round */
    bool relayed;      /* the next hop sends success notices itself */
    bool tell_relayed; /* DELIVERBY: the sender hears that it was passed on */
    bool expired;      /* bounced because the lifetime is over */
    struct slice address, via, path;
    struct slice sender; /* reverse path of what goes there; empty: the message's own */
    struct slice notice; /* who is told of the failure besides the sender, or empty */
    uint64_t quota_bytes, quota_messages;
    uint8_t warning_limit;
    bool auto_reply;
    struct slice dsn, text, remote; /* outcome */
};

/* An address that gets a copy (copies.h). */
struct message_copy {
    struct queue_rcpt rcpt;
    struct slice notice; /* who is told if it fails */
};

/* A recipient that leads where another one leads as well: the target that stands for both. */
#define MESSAGE_NO_TARGET UINT32_MAX
struct message_twin {
    struct message_twin *next;
    uint32_t source, target; /* NO_TARGET: it was finished in an earlier round */
};

struct share;
struct sender;

enum message_fate { MESSAGE_GO_ON, MESSAGE_HOLD, MESSAGE_DELETE };

struct message {
    char id[QUEUE_ID_SIZE];
    uint64_t serial; /* in the order in which messages came into memory */
    struct queue_message *file;
    struct sender *sender;
    const struct queue_envelope *envelope; /* of the file, or `edited` */
    struct queue_envelope edited;          /* with the administrator's changes of recipients */
    struct arena arena;                    /* strings of targets, shares */
    unsigned beside;                       /* SPOOL_ENV | SPOOL_LOG */
    struct queue_log log;                  /* as it was when the message was taken up */
    uint64_t log_length;                   /* of its good part on disk */
    uint32_t round;                        /* rounds ended before this one */
    bool in_doubt;      /* a crash may have come between a delivery and our knowing of it */
    bool linked;        /* a mailbox may share the file */
    bool overflow;      /* deferred because a destination's lane is full: soon again */
    bool soon;          /* released, or a mailbox has moved or is locked: soon again */
    bool notice_logged; /* the log has that the sender was told of the delay */
    enum message_fate fate;
    char *reason; /* of the fate, for the log, or NULL */

    uint32_t expand_next;    /* first recipient, then copy, that accountd was not asked about */
    uint32_t expand_pending; /* questions under way */
    uint32_t expand_failures;
    bool expand_failed; /* one of the questions of this try had no answer */
    bool expanded;
    struct message *expand_link;

    struct message_copy *copies; /* in the arena; behind the last one the archive */
    uint32_t copy_count;
    unsigned archive_classes; /* enum archive_class; 0: no file is to be archived */
    bool copies_known;        /* this round's are decided */

    struct strbuf shown; /* groups shown by their members, as a job has them */
    struct target *targets;
    uint32_t target_count, target_room;
    struct message_twin *twins;              /* in the arena */
    uint32_t counted;                        /* targets that are in the queue's count */
    uint32_t open_count;                     /* targets WAITING or IN_JOB */
    uint32_t job_count;                      /* jobs with agents */
    LIST_HEAD(message_shares, share) shares; /* what is in line of it */
    bool log_wanted; /* finished targets should reach the log before the round ends */
    struct message *log_link;

    const struct approval_rule *asking; /* it is to wait for approval by this rule, or NULL */
    uint8_t asking_kinds;               /* mask of enum approval_kind */
    int64_t asking_until_ms;            /* since 1970 */
    struct approval_requests *requests; /* on their way to the approvers, or NULL */

    bool round_logged;             /* this round's records are in the log */
    bool judged;                   /* whether the lifetime is over was decided for this round */
    uint32_t told;                 /* steps of this round's notices that are committed (notice.c) */
    bool outcome_told, stuck_told; /* in the log */
    bool finishing;                /* in the list of ended rounds */
    struct message *finish_link;
    struct message *table_next, **table_prev;
};

struct message_list {
    struct message *first, **last;
};

/* File systems that are watched (pressure.h). */
#define PRESSURE_PLACES_MAX 64
struct pressure_places {
    struct {
        char *path;
        int fd;
    } list[PRESSURE_PLACES_MAX];
    size_t count;
};

struct queue_settings {
    int64_t retry_interval_ms, retry_max_ms, lifetime_ms, delay_notice_ms;
    int64_t trouble_ms;    /* wait after a full disk and the like */
    uint32_t messages_max; /* that wait for delivery; 0: no limit */
    struct disk_limits disk;
    uint64_t max_outgoing_size; /* smtp.max_outgoing_size; 0: no limit */
    uint32_t active_max, hop_limit, destination_concurrency, remote_rcpts_max;
    uint64_t bounce_size_max;
    bool double_bounce, copy_bounces, copy_delays;
    const char *hostname, *postmaster;
    struct networks trusted_hosts;
    int64_t approval_lifetime_ms;
    uint32_t sent_days;  /* 0: results of users' mail are not recorded */
    bool monitored_told; /* of copies that failed; else the postmaster is */
    struct archive_conf archive;
    /* not from the configuration: the caller fills them in */
    const struct monitor_rules *monitor_rules; /* or NULL */
    struct wording wording;
    struct pressure_places places;
    int sent_dirfd;                              /* queue/sent, with sent_days */
    const struct approval_rules *approval_rules; /* NULL: none */
    const struct odmr_table *odmr_table;         /* NULL: none */
    char approval_key[APPROVAL_KEY_SIZE];
};

struct queue_counters {
    _Atomic uint64_t *received, *delivered, *deferred, *bounced, *looping, *delayed, *notices,
        *corrupt, *active, *messages_bounced, *waiting, *on_hold;
};

struct stats;
struct intake;
struct expansion;
struct schedule;
struct deferrals;
struct rounds;
struct senders;
struct approvals;
struct pressure;
struct sent;
struct system_senders;

struct queue {
    struct loop *loop;
    struct spool spool;
    struct queue_settings settings;
    struct queue_counters counters;
    int64_t started_ms; /* what was received before is in doubt */
    struct message *table[QUEUE_TABLE_SIZE];
    uint32_t active_count;
    uint64_t last_serial;  /* of messages */
    uint64_t rcpt_count;   /* envelope recipients of all messages in memory */
    uint64_t target_count; /* targets of those that are expanded */
    bool tidy;             /* what lies beside a message is where it is, for every message */
    struct intake *intake;
    struct expansion *expansion;
    struct schedule *schedule;
    struct deferrals *deferrals;
    struct rounds *rounds;
    struct senders *senders;
    struct approvals *approvals;
    struct trim *trim;
    struct pressure *pressure;
    struct sent *sent;
    struct system_senders *system_senders;
    struct loop_task *turn;
    struct loop_timer *tmp_sweep;
};

/* Makes what all duties need. `spool` is taken over. Starts nothing. */
struct queue *queue_new(struct loop *loop, const struct spool *spool,
                        const struct queue_settings *settings, struct stats *stats);
void queue_free(struct queue **qp);
void queue_read_settings(const struct conf *conf, struct queue_settings *out);
/* Brings the directories into order after a crash and takes up the work. 0, or -1 with errno. */
int queue_start(struct queue *q, int run_dirfd);
/* Messages that still fit into memory. */
static inline uint32_t
queue_room(const struct queue *q)
{
    return q->active_count < q->settings.active_max ? q->settings.active_max - q->active_count : 0;
}
/* Something may be ready to do: runs all duties once, at the end of the loop's turn. */
void queue_wake(struct queue *q);

#endif
