/*
 * master/control.h - the socket through which the command line asks and orders.
 */
#ifndef POSTHORN_MASTER_CONTROL_H
#define POSTHORN_MASTER_CONTROL_H

#include "master/suite.h"

struct control;

/* Binds run/master.sock. NULL with errno. */
struct control *control_new(struct loop *loop, int run_dirfd);
void control_free(struct control **controlp); /* removes the socket */
void control_serve(struct control *control, struct suite *suite);
/* Answers those who wait for what has now come to rest. */
void control_changed(struct control *control);

#endif
