/* Block characters for pictures on a terminal. */
#include "client/common/ink.h"

const char *const ink_left[INK_EIGHTHS + 1] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};

const char *const ink_right[INK_EIGHTHS + 1] = {" ", "▕", "▕", "▐", "▐", "▐", "█", "█", "█"};
