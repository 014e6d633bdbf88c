// A large table is laid out once, when all of it is there, and not again and again while it is read. Without scripts it
// shows as it comes.
document.documentElement.classList.add("reading");
document.addEventListener("DOMContentLoaded", () => document.documentElement.classList.remove("reading"));
