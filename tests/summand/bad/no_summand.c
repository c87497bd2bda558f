/* A shared object without summand. */
int this_is_no_summand(void);

int this_is_no_summand(void)
{
    return 1;
}
