/*
 * lib/queue/queue_pressure.h - why no mail is to be taken: queue-manager tells smtpd.
 *
 * smtpd can open nothing and asks nobody, but it holds the FIFO queue/trigger. The execute bits of
 * the FIFO's mode, which mean nothing there, are the message; queue-manager, whose file it is, sets
 * them (doc/queue.md). They stay when queue-manager ends and are its memory when it starts again.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_PRESSURE_H
#define POSTHORN_LIB_QUEUE_QUEUE_PRESSURE_H

enum queue_pressure {
    QUEUE_PRESSURE_DISK = 1,   /* u+x: a file system is below disk.hard_limit */
    QUEUE_PRESSURE_LENGTH = 2, /* g+x: more mail waits than queue.max_messages */
    QUEUE_PRESSURE_LOW = 4,    /* o+x: one is below disk.soft_limit; mail is taken */
};
#define QUEUE_PRESSURE_STOP (QUEUE_PRESSURE_DISK | QUEUE_PRESSURE_LENGTH)

/* enum queue_pressure bits; 0 also if that cannot be found out. */
unsigned queue_pressure_get(int trigger_fd);
/* The same for who has no descriptor: `path` is that of queue/trigger. */
unsigned queue_pressure_read(const char *path);
/* 0, or -1 with errno. */
int queue_pressure_set(int trigger_fd, unsigned pressure);

#endif
