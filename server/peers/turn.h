/* How much the server takes from one peer before the other peers have their turn. */
#ifndef MEANTIME_SERVER_PEERS_TURN_H
#define MEANTIME_SERVER_PEERS_TURN_H

/* Messages that the server reads from one socket in one turn. */
#define TURN_MESSAGES 64

#endif
