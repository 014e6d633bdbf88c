module hangup/clients/go

go 1.23
