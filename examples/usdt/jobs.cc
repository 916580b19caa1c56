// jobs.cc - the probes of jobs.c in C++: the macros are the same.
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "jobs.h"

class Job {
public:
    Job(int number, const std::string &kind) : number_(number), name_(kind)
    {
        if (JOBS_JOB_START_ENABLED())
            name_ += "-" + std::to_string(number);
        JOBS_JOB_START(number_, name_.c_str());
    }
    ~Job() { JOBS_JOB_DONE(number_, result_); }
    long run(long size)
    {
        std::vector<long> numbers(size);
        std::iota(numbers.begin(), numbers.end(), 1);
        return result_ = std::accumulate(numbers.begin(), numbers.end(), 0L);
    }

private:
    int number_;
    std::string name_;
    long result_ = 0;
};

int main(int argc, char **argv)
{
    int jobs = argc > 1 ? std::atoi(argv[1]) : 6;
    for (int number = 0; number < jobs; number++) {
        Job job(number, "sum");
        std::printf("job %d: %ld\n", number, job.run(1000 * (number + 1)));
    }
}
