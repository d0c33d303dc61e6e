"""The smallest fair FastAPI application of this kind, for `./dev bench`: SQLAlchemy with asyncpg, users cached in Redis,
JWT, argon2, on uvicorn with uvloop and httptools. It has the tables and the calls of the reference server, and a search.
No sessions, limits, audit or freshness: it does less for a request than contactd. One difference favours it, too: no
response models, which cost FastAPI another pass over each answer."""

import os
from datetime import date, datetime, timedelta, timezone
from typing import Annotated

import jwt
import orjson
import redis.asyncio as redis
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, EmailStr, Field
from sqlalchemy import BigInteger, ForeignKey, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.concurrency import run_in_threadpool

SECRET = os.environ["JWT_SECRET"]
# Two workers with eight connections each have as many as the other servers.
engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://", 1),
                             pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
cache = redis.from_url(os.environ["REDIS_URL"])
hasher = PasswordHasher()
bearer = OAuth2PasswordBearer(tokenUrl="/api/auth/login")
app = FastAPI(openapi_url=None)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    username: Mapped[str]
    email: Mapped[str]
    hashed_password: Mapped[str]
    avatar: Mapped[str | None]
    confirmed: Mapped[bool]
    role: Mapped[str]


class Contact(Base):
    __tablename__ = "contacts"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    birthday: Mapped[date]
    extra: Mapped[str | None]


class NewContact(BaseModel):
    first_name: str = Field(min_length=1, max_length=100)
    last_name: str = Field(max_length=100)
    email: EmailStr
    phone: str = Field(max_length=40)
    birthday: date
    extra: str | None = None


class Login(BaseModel):
    username: str
    password: str


async def database():
    async with sessions() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def current_user(token: Annotated[str, Depends(bearer)]):
    try:
        user_id = int(jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_aud": False})["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(401) from None
    kept = await cache.get(f"fastapi:user:{user_id}")
    if kept:
        return orjson.loads(kept)
    async with sessions() as session:
        user = await session.get(User, user_id)
    if not user:
        raise HTTPException(401)
    shown = {"id": user.id, "username": user.username, "email": user.email, "avatar": user.avatar, "role": user.role}
    await cache.set(f"fastapi:user:{user_id}", orjson.dumps(shown), ex=900)
    return shown


Me = Annotated[dict, Depends(current_user)]


def as_json(content, status=200):
    return Response(orjson.dumps(content), status, media_type="application/json")


def shown(contact):
    return {"id": contact.id, "first_name": contact.first_name, "last_name": contact.last_name,
            "email": contact.email, "phone": contact.phone, "birthday": contact.birthday, "extra": contact.extra}


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.get("/api/users/me")
async def me(user: Me):
    return as_json(user)


@app.get("/api/contacts")
async def page(user: Me, session: Database, search: str | None = None, limit: int = 20, offset: int = 0):
    query = select(Contact).where(Contact.user_id == user["id"])
    if search:
        words = [getattr(Contact, name).icontains(search, autoescape=True)
                 for name in ("first_name", "last_name", "email", "phone")]
        query = query.where(or_(*words))
    count = await session.scalar(select(func.count()).select_from(query.subquery()))
    query = query.order_by(Contact.last_name, Contact.first_name, Contact.id).limit(limit).offset(offset)
    found = (await session.scalars(query)).all()
    answer = as_json([shown(contact) for contact in found])
    answer.headers["X-Total-Count"] = str(count)
    return answer


@app.get("/api/contacts/{contact_id}")
async def by_id(contact_id: int, user: Me, session: Database):
    query = select(Contact).where(Contact.user_id == user["id"], Contact.id == contact_id)
    contact = await session.scalar(query)
    if not contact:
        raise HTTPException(404)
    return as_json(shown(contact))


@app.post("/api/contacts")
async def create(new: NewContact, user: Me, session: Database):
    contact = Contact(user_id=user["id"], **new.model_dump())
    session.add(contact)
    await session.commit()
    return as_json(shown(contact), 201)


@app.post("/api/auth/login")
async def login(typed: Login, session: Database):
    user = await session.scalar(select(User).where(User.username == typed.username))
    if not user:
        raise HTTPException(401)
    try:
        await run_in_threadpool(hasher.verify, user.hashed_password, typed.password)
    except VerifyMismatchError:
        raise HTTPException(401) from None
    now = datetime.now(timezone.utc)
    claims = {"sub": str(user.id), "iat": now, "exp": now + timedelta(minutes=15)}
    return as_json({"access_token": jwt.encode(claims, SECRET, algorithm="HS256"), "token_type": "bearer"})
