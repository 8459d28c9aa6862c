mod any;
mod headers;
mod labels;
mod sample;
mod streams;
mod written;
