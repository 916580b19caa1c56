#!/usr/sbin/dtrace -s
io:::start { start_time[arg0] = timestamp; }
io:::done /this->start = start_time[arg0]/
{
	@[args[1]->dev_statname, args[0]->b_flags & B_READ ? "read" : "write"] =
	    quantize((timestamp - this->start) / 1000);
	start_time[arg0] = 0;
}
