/*
 * dnsd/question.h - questions under way: how many at once, how long each may take.
 */
#ifndef POSTHORN_DNSD_QUESTION_H
#define POSTHORN_DNSD_QUESTION_H

#include "dnsd/resolver.h"
#include "lib/ipc/dnsd.h"

struct questions;

/* About `running_max` are asked at once, the others wait. */
struct questions *questions_new(struct loop *loop, struct resolver *resolver, unsigned running_max,
                                int64_t timeout_ms);
/* After resolver_free. What is under way is answered: later. */
void questions_free(struct questions **questionsp);

/* Asks for `rr` at `name` (an address with DNS_PTR is turned round). answered() runs exactly once,
 * perhaps before this returns, within the timeout; its argument is borrowed. */
void question_ask(struct questions *questions, uint16_t rr, struct slice name,
                  void (*answered)(void *arg, const struct dnsd_answer *answer), void *arg);

#endif
